"""The model: what a fit leaves behind, and all that predicts uses."""
