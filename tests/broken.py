"""Sound components, and how to break them."""

from dataclasses import dataclass, fields

import numpy as np

from sknet.activations import Activation


def changed(component, **members):
    """A component of a class that differs in these members."""
    cls = type(component)
    made = type(f"Broken{cls.__name__}", (cls,), members)
    return made(*(getattr(component, f.name) for f in fields(component)))


def damaged(component, method, damage):
    """A component whose method does damage to its result and its arguments."""

    def broken(self, *args):
        result = getattr(type(component), method)(self, *args)
        damage(result, *args)
        return result

    return changed(component, **{method: broken})


@dataclass(frozen=True, repr=False)
class Hyperbola(Activation):
    """A sound activation, to be broken: the root of one and the square."""

    needs_input = True

    def forward(self, z, out, scratch):
        np.hypot(z, 1.0, out=out)

    def backward(self, z, a, da, scratch):
        np.divide(z, a, out=scratch)
        da *= scratch


@dataclass(frozen=True, repr=False)
class WrongDerivative(Hyperbola):
    """It forgets to divide."""

    def backward(self, z, a, da, scratch):
        da *= z
