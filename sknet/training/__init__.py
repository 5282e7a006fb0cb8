"""Training: data order, steps, stopping and records."""
