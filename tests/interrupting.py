"""Losses that stand for a user who presses Ctrl-C."""


def interrupting_loss(n_calls):
    """Return a squared error that is interrupted, once, after so many calls."""
    left = [n_calls]

    def value(raw, target):
        return ((raw - target) ** 2).sum(axis=-1)

    def gradient(raw, target):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return 2.0 * (raw - target)

    return value, gradient
