"""Each layer of the package, with the shape of one row of its input."""

from every_component import components
from one_layer import LAYERS, N_IN

from sknet.activations import ACTIVATIONS, Logistic, Tanh
from sknet.initializers import INITIALIZERS
from sknet.network import layers
from sknet.network.layers import Layer
from sknet.testing.parts import parts_of


GATE = layers.Sequential((layers.Dense(4), layers.Activate(Logistic(), True)))
STACK = (layers.Dense(6), layers.BatchNorm(), layers.Dropout(0.3), layers.Dense(2))
# Rows of four columns.
OF_COLUMNS = [
    layers.Embedding((3, 1, 2, 4), 2),
    layers.Flatten(),
    layers.LinearEnsemble(1, 3),
    layers.Highway(layers.Dense(4), GATE, layers.Sequential(())),
    layers.Partition((3, 1), (layers.Periodic(), layers.Sequential(()))),
    layers.Periodic(waves=3, size=2, lowest=0.5),
    layers.Reshape((2, 2)),
    layers.Residual(layers.Dense(5), layers.ZeroPad(5)),
    layers.Scale(),
    layers.Sequential((layers.EnsembleView(3), *STACK, layers.LinearEnsemble(3, 2))),
    layers.EnsembleView(3),
    *(layers.activation_layer(activation) for activation in components(ACTIVATIONS)),
    *(layers.Dense(3, 1.0, initializer) for initializer in components(INITIALIZERS)),
]
# Layers and shapes; a layer for rows of several axes gets its entry here.
EXAMPLES = [
    *((layer, (4,)) for layer in OF_COLUMNS),
    (layers.Dense(2), (3, 4)),
    (layers.Flatten(), (2, 3, 4)),
    (layers.Mix(Tanh(), 0.3), (3, 4)),
    (layers.Scale(), (2, 3, 4)),
    (layers.Sequential((layers.Reshape((2, 2)), layers.BatchNorm())), (4,)),
    (layers.Augment(2), (5, 4, 2)),
    (layers.Augment(3, True, 30.0, 2), (5, 4, 2)),
    (layers.Augment(2, True, 0.0, 3), (1, 4, 1)),
    (layers.Conv2D(3), (5, 4, 2)),
    (layers.Conv2D(4, (3, 2), (2, 1), "same", groups=2), (5, 4, 2)),
    (layers.Conv2D(2, 2, 1, "full", dilation=2), (3, 4, 1)),
    (layers.MaxPool(), (4, 5, 3)),
    (layers.MaxPool(3, 2), (5, 6, 1)),
    (layers.AveragePool(2, 1), (4, 3, 2)),
    (layers.GlobalAveragePool(), (3, 4, 2)),
    (layers.Rescale(0.5), (2, 3)),
    (layers.StochasticPool(), (4, 5, 3)),
]
EVERY = [*EXAMPLES, *((layer, (N_IN,)) for layer in LAYERS.values())]


def names_of(layer):
    """The names of the classes of a layer and of the layers inside it."""
    return {type(p).__name__ for p in parts_of(layer) if isinstance(p, Layer)}
