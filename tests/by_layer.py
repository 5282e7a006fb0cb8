"""Weights and biases of networks of any kind, as lists of views of ``theta_``."""

from sknet.inspection import named_parameters


def weights_of(model):
    """Matrices in the order of computation; those of an ensemble with an axis more."""
    named = named_parameters(model).items()
    return [array for name, array in named if name.endswith(".weight")]


def biases_of(model):
    """Biases likewise, as vectors."""
    named = named_parameters(model).items()
    biases = [array for name, array in named if name.endswith(".bias")]
    return [bias.reshape(*bias.shape[:-2], -1) for bias in biases]
