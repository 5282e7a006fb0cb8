"""Training below the estimators: members, updates, memory, records."""

from dataclasses import replace

import numpy as np
import pytest
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknet.activations import ACTIVATIONS, Tanh
from sknet.losses import LogLoss, SquaredError
from sknet.network.architecture import Architecture
from sknet.network.network import perceptron
from sknet.objective import Objective
from sknet.optimizers import SGD, Adam
from sknet.penalties import L2
from sknet.schedules import Adaptive, Clock, Constant, InvScaling
from sknet.training import update
from sknet.training.batches import Batches, Dataset
from sknet.training.inference import CHUNK_ROWS, raw_outputs
from sknet.training.learning_rates import LearningRate, LearningRates
from sknet.training.monitor import History, Monitor, StoppingRule, stack_histories
from sknet.training.state import TrainState, stack_states
from sknet.training.trainer import Trainer


def trainer_of(optimizer, hidden=(6,), activation="relu", n_inputs=4):
    """Return a trainer of a small classifier of three classes."""
    network = perceptron(
        n_inputs, Architecture(hidden, (ACTIVATIONS.make(activation),)), 3
    )
    objective = Objective(network, LogLoss(), L2(), 0.01)
    return Trainer(
        objective, optimizer, LearningRates([LearningRate(0.01)]), shuffle=True
    )


def data_of(n_rows=70, weighted=False, container=np.asarray, dtype=np.float64):
    """Return random data of four features and three classes."""
    rng = np.random.default_rng(0)
    x = container(rng.normal(size=(n_rows, 4)).astype(dtype))
    y = np.eye(3, dtype=bool)[rng.integers(3, size=n_rows)]
    weight = rng.integers(0, 3, size=n_rows).astype(float) if weighted else None
    return Dataset(x, y, weight)


def state_of(theta, n_slots, stream, n_rows):
    """Return the state of one member that has not begun."""
    slots = [np.zeros_like(theta) for _ in range(n_slots)]
    return TrainState(theta, slots, [stream], np.arange(n_rows)[None])


def train(trainer, data, seeds, n_epochs=5, batch_size=16, dtype=np.float64):
    """Train a member for each seed together; return the state and the losses."""
    trainer = replace(
        trainer, learning_rates=LearningRates([LearningRate(0.01)] * len(seeds))
    )
    streams = [np.random.RandomState(seed) for seed in seeds]
    network, n_slots = trainer.objective.network, trainer.optimizer.n_slots
    state = stack_states(
        [
            state_of(network.initial([s], np.dtype(dtype)), n_slots, s, data.n_rows)
            for s in streams
        ]
    )
    epochs = trainer.epochs(state, Batches(data, batch_size, np.dtype(dtype)))
    return state, [next(epochs).loss for _ in range(n_epochs)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "optimizer", [SGD(0.0), SGD(nesterov=False), SGD(), Adam()], ids=str
)
def test_members_together_equal_each_alone(optimizer, weighted, container, dtype):
    """Three seeds in one pass are three trainings, bit for bit."""
    trainer = trainer_of(optimizer)
    data = data_of(weighted=weighted, container=container, dtype=dtype)
    together, losses = train(trainer, data, (1, 2, 3), dtype=dtype)
    for k, seed in enumerate((1, 2, 3)):
        alone, losses_alone = train(trainer, data, (seed,), dtype=dtype)
        assert_array_equal(together.theta[k], alone.theta[0])
        assert_array_equal([x[k] for x in losses], [x[0] for x in losses_alone])


def test_member_whose_batch_has_no_weight_stands_still():
    """One member's batch may be empty while another's is not."""
    data = data_of(n_rows=8)
    weight = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    data = Dataset(data.x, data.y, weight)
    trainer = trainer_of(SGD(momentum=0.0))
    network = trainer.objective.network
    streams = [np.random.RandomState(s) for s in (0, 1)]
    parts = [state_of(network.initial([s], np.dtype(float)), 0, s, 4) for s in streams]
    state = stack_states(parts)
    start = state.theta.copy()
    state.order = np.array([[4, 5, 6, 7], [0, 1, 2, 3]])
    learning_rates = LearningRates([LearningRate(0.1)] * 2)
    quiet = Trainer(trainer.objective, SGD(0.0), learning_rates, shuffle=False)
    next(quiet.epochs(state, Batches(data, 4, np.dtype(float))))
    assert_array_equal(state.theta[0], start[0])
    assert (state.theta[1] != start[1]).any()


@pytest.mark.parametrize("optimizer", [SGD(), SGD(nesterov=False), Adam()], ids=str)
def test_update_in_blocks_equals_update_at_once(optimizer, monkeypatch):
    """The columns may be cut anywhere, bit for bit, for several members too."""
    rng = np.random.default_rng(0)
    results = []
    for n_bytes in (1, 2**20):
        monkeypatch.setattr(update, "_BLOCK_BYTES", n_bytes)
        rng = np.random.default_rng(0)
        theta, grad = rng.normal(size=(2, 300)), rng.normal(size=(2, 290))
        slots = [np.zeros((2, 290)) for _ in range(optimizer.n_slots)]
        step = update.Update(optimizer, theta, grad, slots)
        for t in (1, 2, 3):
            grad[:] = rng.normal(size=grad.shape)
            step(t, 0.1)
        results.append((theta, *slots))
    for first, second in zip(*results, strict=True):
        assert_array_equal(first, second)


def test_members_have_learning_rates_of_their_own():
    """A rate a member, of shape (K, 1), gives what each rate gives alone."""
    rng = np.random.default_rng(0)
    theta, grad = rng.normal(size=(2, 9)), rng.normal(size=(2, 9))
    rates = np.array([[0.1], [0.003]])
    for optimizer in (SGD(), SGD(nesterov=False), Adam()):
        slots = [np.ones((2, 9)) for _ in range(optimizer.n_slots)]
        both = theta.copy()
        update.Update(optimizer, both, grad.copy(), slots)(1, rates)
        for k, rate in enumerate(rates[:, 0]):
            alone = theta[k : k + 1].copy()
            slots = [np.ones((1, 9)) for _ in range(optimizer.n_slots)]
            step = update.Update(optimizer, alone, grad[k : k + 1].copy(), slots)
            step(1, float(rate))
            assert_allclose(both[k], alone[0], rtol=1e-15)


def test_optimizers_make_the_steps_of_their_formulas():
    """Adam and Nesterov's momentum against the formulas, written out."""
    grads = np.random.default_rng(0).normal(size=(4, 1, 5))
    m = v = velocity = 0.0
    adam = [np.zeros((1, 5)), np.zeros((1, 5))]
    sgd = [np.zeros((1, 5))]
    scratch = np.empty((1, 5))
    for t, grad in enumerate(grads, start=1):
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
        rate = 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        step = grad.copy()
        Adam().step(step, adam, t, 0.1, scratch)
        assert_allclose(step, rate * m / (np.sqrt(v) + 1e-8), rtol=1e-12)
        velocity = 0.9 * velocity + 0.1 * grad
        step = grad.copy()
        SGD().step(step, sgd, t, 0.1, scratch)
        assert_allclose(step, 0.9 * velocity + 0.1 * grad, rtol=1e-12)


def _extra_memory(n_rows, dtype):
    """Return the peak of new memory in a training step of ``n_rows`` rows."""
    trainer = trainer_of(Adam(), hidden=(40, 30), activation="logistic")
    streams = [np.random.RandomState(0)]
    theta = trainer.objective.network.initial(streams, np.dtype(dtype))
    data = data_of(2 * n_rows, weighted=True, dtype=dtype)
    slots = [np.zeros_like(theta), np.zeros_like(theta)]
    state = TrainState(theta, slots, streams, np.arange(2 * n_rows)[None])
    batches = Batches(data, n_rows, np.dtype(dtype))
    point = trainer.objective.point(theta)
    step = update.Update(trainer.optimizer, theta, point.grad, slots)

    def one_step():
        batch = next(batches.epoch(state.order))
        trainer.objective.value_and_gradient(point, batch)
        step(1, 0.1)

    return smallest_peak_of(one_step)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_step_takes_the_same_extra_memory_for_any_batch(dtype):
    """Buffers are kept: NumPy's casting buffers (of 8192 elements) are all there is.

    The weights of a batch, one number a row, are made anew.
    """
    small, large = _extra_memory(256, dtype), _extra_memory(2048, dtype)
    assert large - small <= 5 * 8 * (2048 - 256)
    assert large < 300_000


def test_raw_outputs_do_not_depend_on_the_chunk():
    """More rows than a chunk holds: as each row alone, to rounding."""
    network = perceptron(4, Architecture((5,), (Tanh(),)), 2)
    theta = np.random.default_rng(0).normal(size=(1, network.layout.n_parameters))
    x = np.random.default_rng(1).normal(size=(CHUNK_ROWS + 7, 4))
    raw = raw_outputs(network, theta, x)
    for row in (0, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 6):
        assert_allclose(
            raw[:, row : row + 1], raw_outputs(network, theta, x[row : row + 1])
        )


def test_layout_sorts_parameters_into_zones():
    """Weights first, then biases; views share memory with theta."""
    network = perceptron(3, Architecture((4,)), 2)
    layout = network.layout
    assert (layout.n_decayed, layout.n_trainable) == (3 * 4 + 4 * 2, 20 + 6)
    theta = np.arange(26.0)[None]
    weights, biases = layout.named(theta, "weight"), layout.named(theta, "bias")
    assert [w.shape for w in weights] == [(1, 3, 4), (1, 4, 2)]
    assert all(np.shares_memory(a, theta) for a in weights + biases)
    assert biases[1].ravel().tolist() == [24.0, 25.0]


def test_schedules_are_functions_of_the_clock():
    """Values worked by hand."""
    assert InvScaling(0.5).factor(Clock(n_epochs=4, n_seen=8)) == pytest.approx(1 / 3)
    assert InvScaling().factor(Clock()) == 1.0
    assert Adaptive().factor(Clock(5, 500)) == Constant().factor(Clock(5, 500)) == 1.0


def _follow(rules, losses, scores=None, schedule=None):
    """Show a monitor courses of K losses; return who stops when, and the state."""
    learning_rates = LearningRates(
        [LearningRate(0.1, schedule or Constant())] * len(rules)
    )
    monitor = Monitor(rules, learning_rates)
    progress = stack_histories([History() for _ in rules])
    state = stack_states([TrainState(np.zeros((1, 1)), [], []) for _ in rules])
    judged, stops = np.ones(len(rules), dtype=bool), []
    for i, loss in enumerate(losses):
        score = None if scores is None else np.array(scores[i])
        monitor.improved(progress, np.array(loss), score, judged)
        stops.append(monitor.stops(progress, state, str).tolist())
    return stops, state


def test_monitor_stops_after_more_than_patience():
    """Stops when the counter exceeds the patience, as scikit-learn does; for each."""
    rules = [
        StoppingRule(0.1, 2, False),
        StoppingRule(0.1, 1, False),
        StoppingRule(0.001, 2, False),
    ]
    stops, _ = _follow(rules, [[1.0] * 3, [0.95] * 3, [0.94] * 3, [0.93] * 3])
    assert stops[:2] == [[False] * 3] * 2
    assert stops[2] == [False, True, False]
    assert stops[3] == [True, True, False]


def test_monitor_counts_a_score_that_is_not_a_number():
    """NaN is no improvement; in scikit-learn it resets the counter."""
    scores = [[0.5], [np.nan], [np.nan]]
    stops, _ = _follow([StoppingRule(0.0, 1, True)], [[1.0]] * 3, scores)
    assert stops[-1] == [True]


def test_monitor_divides_an_adaptive_rate_on_a_plateau():
    """A plateau divides by five and starts the patience anew; other members go on."""
    rules = [StoppingRule(0.1, 1, False), StoppingRule(0.1, 9, False)]
    stops, state = _follow(rules, [[1.0, 1.0]] * 5, schedule=Adaptive())
    assert not np.any(stops)
    assert state.plateau_scale == pytest.approx([0.2**2, 1.0])


def test_loss_shown_is_the_mean_over_outputs_of_the_squared_error():
    """The sum is what is minimised; see the docs page on differences."""
    assert SquaredError().report_factor(4) == 0.25
    assert LogLoss().report_factor(4) == 1.0
