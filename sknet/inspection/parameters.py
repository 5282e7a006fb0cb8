"""The parameters of any fitted network, by name."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet.estimators._base import BaseMLP
from sknet.model.state import model_of


def named_parameters(estimator: BaseMLP) -> dict[str, Array]:
    """Return all parameters of a fitted network, by the path to their layer.

    ``coefs_`` and ``intercepts_`` are limited to plain networks. This function also
    returns the gates and shortcuts of blocks; scales, shifts and running statistics of
    normalisations; embeddings, factors of columns, and shares of blended activations.

    Parameters
    ----------
    estimator : BaseMLP
        A fitted estimator of sknet.

    Returns
    -------
    parameters : dict of str to ndarray
        Views of ``theta_``: values written into them are used in predictions. A name
        is the path through the tree of layers, with the layers in order of computation,
        followed by the name of the array in the last layer: "0.weight", "1.scale" or
        "2.0.0.bias". The arrays of an ensemble have a first axis for its networks.
        Biases and other vectors have shape (1, n).

    Raises
    ------
    TypeError
        If ``estimator`` is not an estimator of sknet.

    See Also
    --------
    sknet.inspection.input_gradients : Gradients of the outputs by the features.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> from sknet.inspection import named_parameters
    >>> network = SimpleMLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs")
    >>> network = network.fit([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0])
    >>> {name: array.shape for name, array in named_parameters(network).items()}
    {'0.weight': (2, 3), '0.bias': (1, 3), '2.weight': (3, 1), '2.bias': (1, 1)}
    """
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"named_parameters takes a fitted estimator of sknet, got {estimator!r}. "
            "For a pipeline or a search, pass the network itself: pipeline[-1] or "
            "search.best_estimator_."
        )
    check_is_fitted(estimator)
    model = model_of(estimator)
    layout, theta = model.network.layout, model.theta
    views = {p.path: layout.view(theta, p) for p in layout.parameters}
    if len(theta) > 1:
        return views
    return {path: view[0] for path, view in views.items()}
