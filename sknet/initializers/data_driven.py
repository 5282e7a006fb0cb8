"""Initial weights and biases that are fitted to the data before training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sknet._numerics import Array
from sknet.fields import real
from sknet.initializers._base import INITIALIZERS, Initializer
from sknet.initializers.scaled import NTK


@dataclass(frozen=True, repr=False)
class _ZeroNTK(NTK):
    """Zeros, for a layer in the NTK form."""

    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return 0."""
        del fan, gain
        return 0.0


@INITIALIZERS.register("data_driven")
@dataclass(frozen=True, repr=False)
class DataDriven(NTK):
    r"""Standard normal weights, rescaled to give standardised pre-activations.

    Layer by layer, from the first on, with the rows that training starts with:

    .. math::
        z = \frac{x W}{\sqrt{n_{in}}}, \qquad W_{\cdot j} \leftarrow \frac{W_{\cdot j}}
        {\operatorname{std} z_j}, \qquad b_j = -\frac{\operatorname{mean} z_j}
        {\operatorname{std} z_j} - \mathrm{spread} \cdot u_j, \quad u_j \sim N(0, 1)

    so that every unit's pre-activation has standard deviation one whatever the
    features are, and the bend of its activation lies within the data. The factor
    :math:`1 / \sqrt{n_{in}}` remains in the network (the NTK form), which suits
    learning rates of about 0.04 with Adam. A unit whose input is constant keeps its
    weights.

    Parameters
    ----------
    spread : float in [0, inf), default=0.58
        Typical distance of the bends from the mean, in standard deviations. 0.58 is
        the deviation of the mean of five rows with random (Dirichlet) weights, which
        the reference uses.

    Notes
    -----
    Means and deviations are weighted by the sample weights. Layers within residual and
    highway blocks keep the weights that were drawn. The output layer starts at zero:
    the first predictions do not depend on the features.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import SimpleMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = SimpleMLPClassifier(
    ...     initializer="data_driven", learning_rate_init=0.04, random_state=0
    ... )
    >>> bool(network.fit(X, y).score(X, y) > 0.95)
    True
    """

    adapts: ClassVar[bool] = True

    spread: float = real(0.58, "[0, inf)")

    def fit_bias(self, drawn: Array, mean: Array) -> Array:
        """Return biases that scatter the bends around the means."""
        bias: Array = -mean - self.spread * drawn
        return bias

    def for_output(self) -> Initializer:
        """Return an initializer of zeros in the same form."""
        return _ZeroNTK()

    def for_bias(self) -> Initializer:
        """Return the initializer itself: :meth:`fit_bias` uses what it draws."""
        return self
