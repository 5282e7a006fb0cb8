"""The input embedding: the layers between the features and the first hidden layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._component import Registry
from sknet.network.blocks import Style
from sknet.network.layers import (
    Embedding,
    Layer,
    Partition,
    Periodic,
    Scale,
    Sequential,
)
from sknet.network.layout import Shape


NUMERIC_EMBEDDINGS: Registry[Layer] = Registry("numeric embedding", Layer)
NUMERIC_EMBEDDINGS.register("periodic")(Periodic)


@dataclass(frozen=True)
class InputEmbedding:
    """How the columns of a table enter a network.

    The columns are ordered: numbers, flags, codes. By default, nothing is embedded.

    Parameters
    ----------
    n_numeric : int, default=0
        Number of leading numeric columns; used only with ``numeric_embedding``.
    numeric_embedding : Layer or None, default=None
        The layer that embeds each number.
    n_levels : tuple of int, default=()
        Number of levels of each of the last columns, which hold level numbers.
    embedding_size : int, default=8
        Length of the vector for a level.
    scales : bool, default=False
        Whether each column has a trainable factor, after the embedding.
    """

    n_numeric: int = 0
    numeric_embedding: Layer | None = None
    n_levels: tuple[int, ...] = ()
    embedding_size: int = 8
    scales: bool = False

    def input_shape(self, n_inputs: int) -> Shape:
        """Return the shape of a row of ``n_inputs`` columns."""
        return (n_inputs,)

    def suits(self, dtype: np.dtype[Any]) -> InputEmbedding:
        """Return the embedding of columns of a type: itself."""
        del dtype
        return self

    def layers(self, n_inputs: int, style: Style) -> tuple[Layer, ...]:
        """Return the layers for ``n_inputs`` columns; empty if nothing is embedded."""
        del style
        n_codes = len(self.n_levels)
        n_numeric = 0 if self.numeric_embedding is None else self.n_numeric
        parts: list[tuple[int, Layer]] = []
        if self.numeric_embedding is not None and n_numeric:
            parts.append((n_numeric, self.numeric_embedding))
        if n_inputs > n_numeric + n_codes:
            parts.append((n_inputs - n_numeric - n_codes, Sequential(())))
        if n_codes:
            parts.append((n_codes, Embedding(self.n_levels, self.embedding_size)))
        found: tuple[Layer, ...] = ()
        if n_numeric or n_codes:
            widths, layers = zip(*parts, strict=True)
            found = (Partition(widths, layers),)
        return (*found, Scale()) if self.scales else found

    def to_config(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_config` takes."""
        embedding = self.numeric_embedding
        return {
            "n_numeric": self.n_numeric,
            "numeric_embedding": None if embedding is None else embedding.to_config(),
            "n_levels": list(self.n_levels),
            "embedding_size": self.embedding_size,
            "scales": self.scales,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> InputEmbedding:
        """Return the input embedding that :meth:`to_config` described."""
        embedding = config["numeric_embedding"]
        if embedding is not None:
            embedding = NUMERIC_EMBEDDINGS.from_config(embedding)
        return cls(
            config["n_numeric"],
            embedding,
            tuple(config["n_levels"]),
            config["embedding_size"],
            config["scales"],
        )
