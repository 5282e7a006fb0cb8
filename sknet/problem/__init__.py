"""Input data and targets: validation and conversion to what a network takes."""
