"""The networks of an ensemble, each as a fitted estimator."""

from __future__ import annotations

from typing import Any, Self

from sknet._numerics import Array
from sknet.estimators.outputs.parameters import n_fitted_networks


# What a training tells of all networks together. It depends on the solver: a new fit
# leaves nothing of an earlier one.
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
# That, and what they go on with, are of no single network.
_OF_ALL = ("theta_", "_training", *OF_TRAINING)


def own_outputs(estimator: Any, raw: Array) -> Array:
    """Return those raw outputs (K, N, C) of a fitted network that are its own.

    Of a network of a shared trunk, which computes those of all, the ones of its head.
    """
    head = vars(estimator).get("_head")
    return raw if head is None else raw[head : head + 1]


class EnsembleMembers:
    """Mixin that shows the networks of an ensemble as estimators."""

    @property
    def estimators_(self) -> list[Self]:
        """Networks of an ensemble as fitted estimators: a new list of views."""
        kind = type(self).__name__
        if "theta_" not in vars(self):
            raise AttributeError(f"This {kind} is not fitted yet.")
        n_networks = n_fitted_networks(self)
        if n_networks == 1 and "member_seeds_" not in vars(self):
            raise AttributeError(
                f"This {kind} has no estimators_: it is a single network. Fit it with "
                "n_estimators of more than 1 for an ensemble."
            )
        return [self._member(k) for k in range(n_networks)]

    def _member(self, k: int) -> Self:
        """Return a network as a fitted estimator, which shares its parameters."""
        state = vars(self)
        parameters = self.get_params(deep=False)  # type: ignore[attr-defined]  # a mixin
        fitted = {
            name: value
            for name, value in state.items()
            if name not in parameters and name not in _OF_ALL
        }
        parameters |= {"n_estimators": 1, "bootstrap": False, "share_trunk": False}
        theta = state["theta_"]
        if "member_seeds_" not in state:
            fitted |= {"theta_": theta, "_head": k}
        else:
            parameters["random_state"] = int(state["member_seeds_"][k])
            fitted["theta_"] = theta[k : k + 1]
        curves = state.get("member_loss_curves_")
        if curves and curves[k]:
            fitted |= {"loss_curve_": list(curves[k]), "loss_": curves[k][-1]}
        member = type(self)(**parameters)
        vars(member).update(fitted)
        return member
