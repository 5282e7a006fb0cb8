"""Training of stacked networks: batches, steps, stopping, checkpoints and reports."""
