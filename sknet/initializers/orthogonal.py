"""Orthogonal weight matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.fields import real
from sknet.initializers._base import INITIALIZERS, Initializer


@INITIALIZERS.register("orthogonal")
@dataclass(frozen=True, repr=False)
class Orthogonal(Initializer):
    r"""Weight matrices with orthogonal columns, or rows, of equal length.

    For deep and narrow networks: the signal is rotated but not stretched, so that it
    neither vanishes nor explodes over many layers.

    .. math::
        W^T W = \mathrm{gain}^2\, I \quad (n_{in} \ge n_{out}), \qquad
        W W^T = \mathrm{gain}^2\, I \quad \text{else}

    All such matrices are equally likely. Biases start at zero.

    Parameters
    ----------
    gain : float in (0, inf), default=1.0
        Length of the columns or rows; :math:`\sqrt 2` suits "relu".

    Notes
    -----
    :math:`W` is the factor :math:`Q` of the QR decomposition of a normal matrix, with
    each column multiplied by the sign of the diagonal element of :math:`R`: otherwise
    the distribution would depend on how LAPACK chooses signs. Each group of weights is
    drawn as a matrix of its own. The activation's gain is ignored.

    References
    ----------
    .. [1] A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the
       nonlinear dynamics of learning in deep linear neural networks", ICLR 2014,
       arXiv:1312.6120.
    .. [2] F. Mezzadri, "How to generate random matrices from the classical compact
       groups", Notices of the AMS 54, 2007, arXiv:math-ph/0609050.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Orthogonal
    >>> w = Orthogonal().draw(np.random.RandomState(0), (4, 2), (4, 2), 1.0)
    >>> bool(np.allclose(w.T @ w, np.eye(2)))
    True
    """

    gain: float = real(1.0, "(0, inf)")

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw matrices over the last two axes."""
        del fan, gain
        *groups, n_in, n_out = shape
        tall = (*groups, max(n_in, n_out), min(n_in, n_out))
        q, r = np.linalg.qr(stream.standard_normal(tall))
        diagonal = np.diagonal(r, axis1=-2, axis2=-1)[..., None, :]
        q *= np.copysign(float(self.gain), diagonal)
        return q if n_in >= n_out else q.swapaxes(-1, -2)
