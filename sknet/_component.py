"""Components: small frozen objects with a name, and the registries that list them.

A component (an activation, a loss, an optimizer, ...) holds only hyperparameters.
Registering its class under a name makes it an option of the estimators: validation,
error messages and generated tables use the registry.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np


class Component:
    """Base of every component: a frozen dataclass that shows non-default fields.

    Subclasses are declared ``@dataclass(frozen=True, repr=False)``; equality and
    hashing follow from the fields, so that equal components describe the same
    mathematics. Fields declared by the functions of :mod:`sknet.fields` have a domain,
    which is checked in ``fit``, as for every parameter in scikit-learn, not when the
    object is created.

    Attributes
    ----------
    name : str
        The name of the class in its registry.
    synonyms : tuple of str
        Other names by which users may know it.
    rows : tuple of str
        Fields that may differ between networks that are trained together, as rows of
        one array; see ``in_rows``.
    recordable : bool
        Whether a training step can be recorded, to be repeated by compiled code. It can
        if every array is allocated with ``like=`` an array of the computation, every
        constant is a number or a read-only array, and no number is read from an array
        and no branch depends on one, except in the named operations of
        ``sknet._operations``.
    """

    name: ClassVar[str] = ""
    synonyms: ClassVar[tuple[str, ...]] = ()
    rows: ClassVar[tuple[str, ...]] = ()
    recordable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Convert NumPy scalars, which widen float32 arrays, to Python numbers."""
        for f in self._fields():
            value = getattr(self, f.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, f.name, value.item())

    def __repr__(self) -> str:
        """Show the class and the fields that differ from their defaults."""
        changed = [
            f"{f.name}={_shown(getattr(self, f.name))}"
            for f in self._fields()
            if not _same(getattr(self, f.name), f.default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, even if empty, so that ``__setstate__`` is called."""
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the fields; register a class pickled by value, as from a notebook."""
        vars(self).update(state)
        name = vars(type(self)).get("name")
        for family in _FAMILIES:
            if name and family.base and isinstance(self, family.base):
                family._classes.setdefault(name, type(self))

    def __sklearn_clone__(self) -> Self:
        """Return the component itself, which is frozen and need not be copied."""
        return self

    def check(self) -> None:
        """Raise ValueError if a field has an invalid value.

        Subclasses extend it if fields depend on each other.
        """
        for f in self._fields():
            domain, value = f.metadata.get("domain"), getattr(self, f.name)
            if domain is not None and not domain.contains(value):
                raise ValueError(
                    f"{self!r}: {f.name} must be {domain.words}, got {value!r}."
                )
            if f.metadata.get("registry") is not None and value is not None:
                f.metadata["registry"].make(value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the fields and those of nested components, as scikit-learn does.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include ``part__field`` for nested components.

        Returns
        -------
        params : dict
            Values by name.
        """
        params = {f.name: getattr(self, f.name) for f in self._fields()}
        if deep:
            for name, value in list(params.items()):
                if isinstance(value, Component):
                    inner = value.get_params().items()
                    params |= {f"{name}__{key}": item for key, item in inner}
        return params

    def with_param(self, path: str, value: Any) -> Self:
        """Return a copy in which one field has another value.

        Parameters
        ----------
        path : str
            Name of the field; ``part__field`` for a field of a nested component.
        value : object
            The new value.

        Returns
        -------
        component : Component
            A new object; this component is not changed.

        Raises
        ------
        ValueError
            If there is no such field; the message lists the existing fields.
        """
        name, _, inner = path.partition("__")
        fields = {f.name: f for f in self._fields()}
        if name not in fields:
            raise ValueError(
                f"{type(self).__name__} has no parameter {name!r}; it has "
                f"{', '.join(map(repr, fields)) or 'none'}."
            )
        if inner:
            registry = fields[name].metadata.get("registry")
            now = getattr(self, name)
            held = now if registry is None else registry.make(now)
            if not isinstance(held, Component):
                raise ValueError(f"{name}={now!r} has no parameter {inner!r}.")
            value = held.with_param(inner, value)
        return dataclasses.replace(self, **{name: value})  # type: ignore[type-var]  # a dataclass

    def to_config(self) -> dict[str, Any]:
        """Return the name and the fields as plain data, which a fit can store.

        Returns
        -------
        config : dict
            Can be written as JSON.

        Raises
        ------
        ValueError
            If the class is not registered and so could not be found again. The name of
            a registered base class does not count.
        """
        if not vars(type(self)).get("name"):
            raise ValueError(
                f"{type(self).__name__} is not registered, so a fitted estimator could "
                "not be stored. Decorate the class with the registry of its family, "
                "e.g. @ACTIVATIONS.register('my_activation')."
            )
        values = {f.name: getattr(self, f.name) for f in self._fields()}
        plain = {key: _plain(v) for key, v in values.items() if not callable(v)}
        return {"name": self.name, **plain}

    @classmethod
    @cache
    def _fields(cls) -> tuple[dataclasses.Field[Any], ...]:
        """Return the fields, which are looked up once."""
        return dataclasses.fields(cls)  # type: ignore[arg-type]  # a dataclass


def _shown(value: Any) -> str:
    """Return the representation of a field's value, or the name of a function."""
    return getattr(value, "__name__", repr(value)) if callable(value) else repr(value)


def _same(value: Any, default: Any) -> bool:
    """Return whether a field has its default value; an array never does."""
    return not isinstance(value, np.ndarray) and bool(value == default)


def _plain(value: Any) -> Any:
    """Return a field's value as plain data."""
    if isinstance(value, Component):
        return value.to_config()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


C = TypeVar("C", bound=Component)
_FAMILIES: list[Registry[Any]] = []  # all registries


class Registry(Mapping[str, type[C]], Generic[C]):
    """The components of one family, by name.

    Parameters
    ----------
    title : str
        Name of the family in messages, e.g. ``"activation"``.
    base : type, optional
        Base class of the family.

    Examples
    --------
    >>> from sknet.schedules import SCHEDULES
    >>> "adaptive" in SCHEDULES
    True
    >>> SCHEDULES.make("invscaling")
    InvScaling()
    >>> from sknet.activations import ACTIVATIONS
    >>> ACTIVATIONS.make("swish")  # a synonym
    SiLU()
    """

    def __init__(self, title: str, base: type[C] | None = None) -> None:
        self.title = title
        self.base = base
        self._classes: dict[str, type[C]] = {}
        self._synonyms: dict[str, str] = {}
        _FAMILIES.append(self)

    @property
    def names(self) -> set[str]:
        """All names that :meth:`make` accepts, including synonyms."""
        return {*self._classes, *self._synonyms}

    def register(self, name: str, *synonyms: str) -> Callable[[type[C]], type[C]]:
        """Return a class decorator that registers the class under ``name``.

        Parameters
        ----------
        name : str
            The name of the option.
        *synonyms : str
            Other names by which users may know the component. They are also accepted
            as options; the registry lists the component once, by its name.

        Returns
        -------
        decorator : callable
            Checks the class, registers it and returns it unchanged.

        Raises
        ------
        ValueError
            If the name is taken, or the class is not a documented frozen dataclass.
        """

        def enter(cls: type[C]) -> type[C]:
            frozen = vars(cls).get("__dataclass_params__")
            # without a docstring, a dataclass gets its signature as docstring
            described = not (cls.__doc__ or "(").startswith((f"{cls.__name__}(", "("))
            if frozen is None or not frozen.frozen or not described:
                raise ValueError(
                    f"{self.title} {name!r}: {cls.__name__} must be a frozen "
                    "dataclass with a docstring."
                )
            taken = [n for n in (name, *synonyms) if n in self.names]
            if taken:
                raise ValueError(
                    f"{self.title} {taken[0]!r} is already registered, and fitted "
                    "networks find their components by name: use another name for a "
                    "changed class (or, in a notebook, restart the kernel)."
                )
            cls.name, cls.synonyms = name, synonyms
            self._classes[name] = cls
            self._synonyms |= dict.fromkeys(synonyms, name)
            return cls

        return enter

    def make(self, spec: str | C) -> C:
        """Return the default component with a name, or the given instance.

        Parameters
        ----------
        spec : str or Component
            A registered name, or a component, which is returned as it is.

        Returns
        -------
        component : Component
            The component, with valid fields.

        Raises
        ------
        ValueError
            If no component has that name (the message lists the known names), or a
            field has an invalid value.
        """
        component = spec if isinstance(spec, Component) else self._named(spec)()
        if self.base is not None and not isinstance(component, self.base):
            raise ValueError(f"{component!r} is not a valid {self.title}.")
        component.check()
        return component

    def from_config(self, config: Mapping[str, Any]) -> C:
        """Return the component that :meth:`Component.to_config` described."""
        cls = self._named(config["name"])
        values = {}
        for f in cls._fields():
            if f.name in config:
                value = config[f.name]
                if isinstance(value, Mapping):
                    value = f.metadata["registry"].from_config(value)
                values[f.name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def _named(self, name: str) -> type[C]:
        """Return the class with a name, or raise ValueError with the known names."""
        if not isinstance(name, str) or name not in self.names:
            known = ", ".join(repr(name) for name in sorted(self.names))
            raise ValueError(f"Unknown {self.title} {name!r}; known names are {known}.")
        return self._classes[self._synonyms.get(name, name)]

    def __getitem__(self, name: str) -> type[C]:
        """Return the class registered under ``name``."""
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of registration."""
        return iter(self._classes)

    def __len__(self) -> int:
        """Return the number of registered components."""
        return len(self._classes)
