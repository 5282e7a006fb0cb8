"""The networks of an ensemble, each as a fitted estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sknet.model.state import model_of


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


# Attributes that describe the training of all networks. Which of them are set depends
# on the solver, so a new fit removes those of an earlier one.
OF_TRAINING = (
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "validation_loss_curve_",
    "best_validation_score_",
    "n_no_improvement_",
    "learning_rate_",
    "member_loss_curves_",
    "member_seeds_",
)
# Attributes of the whole ensemble, which its single networks do not have.
_OF_ALL = ("theta_", "_training", *OF_TRAINING)


def members_of(estimator: BaseMLP) -> list[Any]:
    """Return the networks of an ensemble as fitted estimators, in a new list of views.

    Parameters
    ----------
    estimator : BaseMLP
        A fitted ensemble.

    Returns
    -------
    estimators : list of BaseMLP
        Estimators that share their parameters with the ensemble.

    Raises
    ------
    AttributeError
        If the estimator is not fitted, or is a single network.
    """
    kind, state = type(estimator).__name__, vars(estimator)
    if "theta_" not in state:
        raise AttributeError(f"This {kind} is not fitted yet.")
    n_networks = model_of(estimator).n_networks
    if n_networks == 1 and "member_seeds_" not in state:
        raise AttributeError(
            f"This {kind} has no estimators_: it is a single network. Fit it with "
            "n_estimators > 1 for an ensemble."
        )
    return [_member(estimator, k) for k in range(n_networks)]


def _member(estimator: BaseMLP, k: int) -> Any:
    """Return network ``k`` as a fitted estimator that shares its parameters."""
    state = vars(estimator)
    parameters = estimator.get_params(deep=False)
    fitted = {
        name: value
        for name, value in state.items()
        if name not in parameters and name not in _OF_ALL
    }
    alone = {"n_estimators": 1, "bootstrap": False, "shared_backbone": False}
    parameters |= {name: alone[name] for name in alone.keys() & parameters.keys()}
    theta = state["theta_"]
    if "member_seeds_" not in state:
        fitted |= {"theta_": theta, "_head": k}
    else:
        parameters["random_state"] = int(state["member_seeds_"][k])
        fitted["theta_"] = theta[k : k + 1]
    curves = state.get("member_loss_curves_")
    if curves and curves[k]:
        fitted |= {"loss_curve_": list(curves[k]), "loss_": curves[k][-1]}
    fitted |= _of_one(state.get("_training", {}), k)
    member = type(estimator)(**parameters)
    member.__dict__.update(fitted)
    return member


def _of_one(training: dict[str, Any], k: int) -> dict[str, Any]:
    """Return the record of one network's training.

    The network may be a submodel of a shared backbone. After ``compact`` the record is
    empty.
    """
    found: dict[str, Any] = {}
    for name, attribute in (("n_iter", "n_iter_"), ("n_epochs", "n_epochs_")):
        counts = training.get(name, ())
        if k < len(counts):
            found[attribute] = int(counts[k])
    history = training.get("history")
    if history is None or k >= len(history["validation_scores"]):
        return found
    scores, watched = history["validation_scores"][k], history["on_score"]
    best = history["best_score"][k] if watched else max(scores, default=None)
    return found | {
        "validation_scores_": list(scores) or None,
        "validation_loss_curve_": list(history["validation_loss_curves"][k]) or None,
        "best_validation_score_": best,
        "best_loss_": None if watched else history["best_loss"][k],
    }
