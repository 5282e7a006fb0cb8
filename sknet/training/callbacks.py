"""What a training tells while it runs; the only place of the package that prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reporter:
    """Prints the course of a training, in scikit-learn's words.

    Parameters
    ----------
    verbose : bool
        Whether anything is printed.
    """

    verbose: bool

    def epoch(self, n_iter: int, loss: float, score: float | None = None) -> None:
        """Report an epoch, or an iteration of L-BFGS.

        Parameters
        ----------
        n_iter : int
            Its number in this call of fit.
        loss : float
            Training loss.
        score : float, optional
            Validation score.
        """
        if not self.verbose:
            return
        print(f"Iteration {n_iter}, loss = {loss:.8f}")
        if score is not None:
            print(f"Validation score: {score:f}")

    def message(self, text: str) -> None:
        """Report a sentence."""
        if self.verbose:
            print(text)
