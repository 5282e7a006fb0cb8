r"""Learning rules: what a layer hands back to the layers below it.

In all of them a weight's step is the product of its input and the signal of its unit,
and the signal is what arrived from above, times the slope of the unit's activation. The
rules differ in what arrives. A rule makes the layers of a hidden layer, or of the
output, from a dense layer and its activation; these layers do the rest.

With the pre-activations :math:`z = x W + b` of a layer, its activation :math:`f` and
what arrived at it from above, :math:`e`, every rule makes the steps

.. math:: \delta = e \odot f'(z), \qquad dW = x^T \delta, \qquad db = 1^T \delta.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from sknet._component import Component, Registry
from sknet.fields import part
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.layers import Dense, ErrorUnits, FeedbackDense, Layer


__all__ = [
    "LEARNING_RULES",
    "ErrorByWeights",
    "FeedbackAlignment",
    "Gradient",
    "LearningRule",
]


class LearningRule(Component):
    """Base of the learning rules.

    Attributes
    ----------
    is_gradient : bool
        Whether the steps are those of the gradient of the loss.
    """

    is_gradient: ClassVar[bool] = False

    @abstractmethod
    def layers(self, dense: Dense, activation: Layer | None) -> tuple[Layer, ...]:
        """Return the layers that compute the same and hand back as the rule says.

        Parameters
        ----------
        dense : Dense
            The dense layer.
        activation : Layer or None
            The activation layer after it, which may overwrite its input; None at the
            output, whose activation is part of the loss.

        Returns
        -------
        layers : tuple of Layer
            In the order of the forward pass.
        """


LEARNING_RULES: Registry[LearningRule] = Registry("learning rule", LearningRule)


@LEARNING_RULES.register("gradient", "backpropagation")
@dataclass(frozen=True, repr=False)
class Gradient(LearningRule):
    r"""Backpropagation: the steps are the gradient of the loss.

    .. math:: e_{below} = \delta\, W^T = (e \odot f'(z))\, W^T

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations
       by back-propagating errors", Nature 323, 1986.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> SimpleMLPClassifier().learning_rule
    'gradient'
    """

    is_gradient: ClassVar[bool] = True

    def layers(self, dense: Dense, activation: Layer | None) -> tuple[Layer, ...]:
        """Return the two layers as they are."""
        return (dense,) if activation is None else (dense, activation)


@LEARNING_RULES.register("error_by_weights")
@dataclass(frozen=True, repr=False)
class ErrorByWeights(LearningRule):
    r"""The rule of some tutorials: errors are handed back by the weights alone.

    .. math:: e_{below} = e\, W^T

    The slope of a unit is left out of what it hands back, although it is part of the
    steps of its own weights. At the output, :math:`e` is the prediction minus the
    target, or another derivative of the loss by the predictions.

    Notes
    -----
    The steps together are the gradient of no function of the weights, unless all slopes
    that are left out are equal to 1: training is not descent, and the loss may rise for
    any learning rate. With one hidden layer, logistic outputs and the squared error,
    the hidden layer follows the gradient of the log-loss, and the output layer that of
    the squared error. What is handed back is larger than in backpropagation, since the
    slope of a logistic unit is at most 1/4.

    A loss that is defined on raw outputs ("log_loss", "hinge", ...), or a squared error
    without output activation, has no output slope: :math:`e` is then its gradient, and
    with one hidden layer the rule is equal to ``"gradient"``.

    Activations that join units, such as maxout, are not supported.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(
    ...     activation="logistic",
    ...     output_activation="logistic",
    ...     learning_rule="error_by_weights",
    ... ).learning_rule
    'error_by_weights'
    """

    def layers(self, dense: Dense, activation: Layer | None) -> tuple[Layer, ...]:
        """Return one layer that holds both."""
        return (ErrorUnits((dense,) if activation is None else (dense, activation)),)


@LEARNING_RULES.register("feedback_alignment")
@dataclass(frozen=True, repr=False)
class FeedbackAlignment(LearningRule):
    r"""Feedback alignment: errors are handed back by fixed random matrices.

    .. math:: e_{below} = \delta\, B = (e \odot f'(z))\, B

    The matrices :math:`B`, of the shape of :math:`W^T`, are drawn once for each layer
    and network, and never trained. The weights come to agree with them, until the steps
    point in directions within 90 degrees of the gradient.

    Parameters
    ----------
    initializer : str or Initializer, default=GlorotUniform()
        Draws the matrices :math:`B`.

    Notes
    -----
    The matrices are drawn from the stream of each network after its weights, and are
    part of ``theta_``, behind the trainable parameters. Weight decay, penalty and
    clipping do not see them.

    References
    ----------
    .. [1] T. P. Lillicrap, D. Cownden, D. B. Tweed and C. J. Akerman, "Random synaptic
       feedback weights support error backpropagation for deep learning", Nature
       Communications 7, 13276, 2016.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.initializers import Uniform
    >>> from sknet.network.learning_rules import FeedbackAlignment
    >>> rule = FeedbackAlignment(initializer=Uniform(0.1))
    >>> SimpleMLPClassifier(learning_rule=rule).learning_rule
    FeedbackAlignment(initializer=Uniform(bound=0.1))
    """

    initializer: str | Initializer = part(GlorotUniform(), INITIALIZERS)

    def check(self) -> None:
        """Raise ValueError for an initializer that puts a factor on weights."""
        super().check()
        initializer = INITIALIZERS.make(self.initializer)
        if initializer.rescales or initializer.adapts:
            raise ValueError(
                f"{self!r}: initializer must draw numbers of their final size, but "
                f"{initializer.name!r} goes with a factor or needs data. Use another "
                "one, such as 'glorot_uniform'."
            )

    def layers(self, dense: Dense, activation: Layer | None) -> tuple[Layer, ...]:
        """Return a dense layer with a feedback matrix, and the activation."""
        made = FeedbackDense(
            dense.units,
            dense.gain,
            dense.initializer,
            dense.use_bias,
            dense.bias,
            INITIALIZERS.make(self.initializer),
        )
        return (made,) if activation is None else (made, activation)
