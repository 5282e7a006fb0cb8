"""Values and slopes of the activations, by formulas of other libraries."""

import numpy as np
from scipy.special import expit, ndtr

from sknet.activations import (
    ELU,
    GELU,
    SELU,
    Blend,
    HardThreshold,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


def density(z):
    """Return the density of the standard normal."""
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def mish_slope(z):
    """Return tanh(s) + z sigmoid(z) / cosh(s)^2, with s the softplus of z."""
    s = np.logaddexp(0.0, z)
    return np.tanh(s) + z * expit(z) / np.cosh(s) ** 2


def value_of(activation, z):
    """Return the value by a formula of another library, in float64."""
    return {
        Identity: lambda: z,
        HardThreshold: lambda: np.heaviside(z, 0.0),
        Logistic: lambda: expit(z),
        Tanh: lambda: np.tanh(z),
        ReLU: lambda: np.where(z > 0, z, 0.0),
        LeakyReLU: lambda: np.where(z > 0, z, activation.slope * z),
        ELU: lambda: np.where(z > 0, z, activation.alpha * np.expm1(np.minimum(z, 0))),
        SELU: lambda: SCALE * np.where(z > 0, z, ALPHA * np.expm1(np.minimum(z, 0))),
        Softplus: lambda: np.logaddexp(0.0, z),
        SiLU: lambda: z * expit(z),
        GELU: lambda: z * ndtr(z),
        Mish: lambda: z * np.tanh(np.logaddexp(0.0, z)),
        Blend: lambda: (
            (1 - activation.initial) * z
            + activation.initial * value_of(activation.function, z)
        ),
    }[type(activation)]()


def slope_of(activation, z):
    """Return the derivative, of the threshold its surrogate, in float64."""
    return {
        Identity: lambda: np.ones_like(z),
        HardThreshold: lambda: np.where(abs(z) <= 1, 1.0, 0.0),
        Logistic: lambda: expit(z) * expit(-z),
        Tanh: lambda: 1 / np.cosh(np.clip(z, -300, 300)) ** 2,
        ReLU: lambda: np.where(z > 0, 1.0, 0.0),
        LeakyReLU: lambda: np.where(z > 0, 1.0, activation.slope),
        ELU: lambda: np.where(z > 0, 1.0, activation.alpha * np.exp(np.minimum(z, 0))),
        SELU: lambda: SCALE * np.where(z > 0, 1.0, ALPHA * np.exp(np.minimum(z, 0))),
        Softplus: lambda: expit(z),
        SiLU: lambda: expit(z) * (1 + z * expit(-z)),
        GELU: lambda: ndtr(z) + z * density(z),
        Mish: lambda: mish_slope(np.clip(z, -300, 300)),
        Blend: lambda: (
            1
            - activation.initial
            + activation.initial * slope_of(activation.function, z)
        ),
    }[type(activation)]()
