"""Components: small frozen objects with a name, and the registries that list them.

A component (an activation, a loss, an optimizer, ...) holds hyperparameters only.
Registering the class under a name is all it takes to make it an option of the
estimators: validation, error messages and generated tables read the registry.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Generic, TypeVar


class Component:
    """Base of every component: a frozen dataclass that shows what differs.

    Subclasses are declared ``@dataclass(frozen=True)``; equality and hashing follow
    from the fields, so that equal components describe the same mathematics.

    Attributes
    ----------
    name : str
        The name under which the class stands in its registry.
    """

    name: ClassVar[str] = ""

    def __repr__(self) -> str:
        """Show the class and the fields that differ from their defaults."""
        changed = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in dataclasses.fields(self)  # type: ignore[arg-type]  # every registered class is a dataclass
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


C = TypeVar("C", bound=Component)


class Registry(Mapping[str, type[C]], Generic[C]):
    """The components of one family, by name.

    Parameters
    ----------
    title : str
        What the family is called in messages, e.g. ``"activation"``.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> sorted(ACTIVATIONS)
    ['identity', 'logistic', 'relu', 'tanh']
    >>> ACTIVATIONS.make("tanh")
    Tanh()
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._classes: dict[str, type[C]] = {}

    def register(self, name: str) -> Callable[[type[C]], type[C]]:
        """Return a class decorator that enters the class under ``name``.

        Parameters
        ----------
        name : str
            The option users write.

        Returns
        -------
        decorator : callable
            Checks the class, enters it and returns it unchanged.

        Raises
        ------
        ValueError
            If the name is taken, or the class is not a documented frozen dataclass.
        """

        def enter(cls: type[C]) -> type[C]:
            frozen = getattr(cls, "__dataclass_params__", None)
            if frozen is None or not frozen.frozen or not cls.__doc__:
                raise ValueError(
                    f"{self.title} {name!r}: {cls.__name__} must be a frozen "
                    "dataclass with a docstring."
                )
            if name in self._classes:
                raise ValueError(f"{self.title} {name!r} is registered already.")
            cls.name = name
            self._classes[name] = cls
            return cls

        return enter

    def make(self, spec: str | C) -> C:
        """Return the default component of a name, or the instance that was given.

        Parameters
        ----------
        spec : str or Component
            A registered name, or a component, which is returned as it is.

        Returns
        -------
        component : Component
            The component.

        Raises
        ------
        ValueError
            If no component of that name exists; the message lists those that do.
        """
        if isinstance(spec, Component):
            return spec
        if spec not in self._classes:
            known = ", ".join(repr(name) for name in sorted(self))
            raise ValueError(f"Unknown {self.title} {spec!r}; known are {known}.")
        return self._classes[spec]()

    def __getitem__(self, name: str) -> type[C]:
        """Return the class registered under ``name``."""
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of registration."""
        return iter(self._classes)

    def __len__(self) -> int:
        """Return how many components are registered."""
        return len(self._classes)
