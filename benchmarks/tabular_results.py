"""Raw results of `tabular.py`: stored in a file and summarised in tables.

A case is one split of one table. Models are always compared on the same cases: by the
ratio of one model to another on each, and the geometric mean of these ratios.
"""

import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from timing import table


Result = dict[str, Any]
Case = tuple[str, int, int]
MEASURES = ("error", "log_loss")
TOO_HIGH = 1.25  # times the reference's error, which a mean would hide
HINDSIGHT = "best of all but sknet"  # the best one for each case by its test rows


class Store:
    """Results and their conditions; a new result replaces an old one of the same fit.

    The file is JSON: `runs`, the head of every run by its time, and `results`, each
    with the `run` it came from.
    """

    def __init__(self, *files: Path) -> None:
        self.runs: dict[str, str] = {}
        self._results: dict[tuple[Any, ...], Result] = {}
        for file in files:
            stored = json.loads(file.read_text())
            self.runs |= stored["runs"]
            for result in stored["results"]:
                self.add(result)

    def __contains__(self, key: tuple[Any, ...]) -> bool:
        """Return whether (table, seed, rows, model) has a successful result."""
        return key in self._results and self._results[key]["failure"] is None

    @property
    def results(self) -> list[Result]:
        """All results, with tables in the order of their arrival."""
        return list(self._results.values())

    def add(self, result: Result) -> None:
        """Add a result."""
        self._results[(*case_of(result), result["model"])] = result

    def save(self, file: Path) -> None:
        """Rewrite the file atomically."""
        draft = file.with_name(file.name + ".part")
        content = {"runs": self.runs, "results": self.results}
        draft.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(draft, file)


def case_of(result: Result) -> Case:
    """Return the split of a result: table, seed, and largest number of rows."""
    return result["table"], result["seed"], result["rows"]


class Comparison:
    """Models on the same cases, as tables in Markdown.

    Parameters
    ----------
    results : list of dict
        The stored results; failures count as absent.
    models : sequence of str
        The models, in the order of the columns.
    reference : str
        The model in the denominator of ratios.
    clock : {"fit_seconds", "fit_cpu_seconds"}
        The time to report.
    """

    def __init__(
        self,
        results: Iterable[Result],
        models: Sequence[str],
        reference: str,
        clock: str = "fit_seconds",
    ) -> None:
        self._reference, self._clock = reference, clock
        self._of: dict[str, dict[Case, Result]] = {name: {} for name in models}
        self._failures = []
        for result in results:
            if result["model"] not in self._of:
                continue
            if result["failure"] is None:
                self._of[result["model"]][case_of(result)] = result
            else:
                self._failures.append(result)
        self._of = {name: found for name, found in self._of.items() if found}
        self._models = list(self._of)
        self._tasks = {
            case: result["task"]
            for found in self._of.values()
            for case, result in found.items()
        }
        if len(set(self._of) - {"sknet"}) > 1:
            self._of[HINDSIGHT] = self._hindsight()

    def each_case(self, measure: str, digits: int = 4) -> str:
        """Return the table of a measure, with rows for cases and columns for models."""
        cases = [
            case
            for case in self._tasks
            if measure != "log_loss" or self._tasks[case] == "classification"
        ]
        many_seeds = len({seed for _, seed, _ in cases}) > 1
        rows = []
        for case in cases:
            name = f"{case[0]}, seed {case[1]}" if many_seeds else case[0]
            values = [self._value(model, case, measure) for model in self._models]
            rows.append([name, *(_cell(value, digits) for value in values)])
        return table(["table", *self._models], rows)

    def summary(self) -> str:
        """Return the table of geometric means and wins."""
        head = ["model", "error", "of classes", "of numbers", "log loss", "fit time"]
        head += ["wins in error", "wins in log loss"]
        others = [name for name in self._models if name != self._reference]
        rows = [self._summary_row(name) for name in [*others, *self._extra()]]
        return table(head, rows)

    def remarks(self, net: str = "sknet", rival: str = "realmlp-td-s") -> list[str]:
        """Return remarks on failures and on results that the means hide."""
        said = [
            f"{name}: error above {TOO_HIGH} times {self._reference}'s on {listed}"
            for name in self._models
            if (listed := self._listed_above(name))
        ]
        if net in self._of and rival in self._of:
            times = self._ratios(net, self._clock, rival).values()
            said.append(f"fit time of {net} over {rival}'s: {_mean(times)}")
        runs = {r["run"] for name in self._models for r in self._of[name].values()}
        if len(runs) > 1:
            said.append(f"times come from {len(runs)} runs: the heads tell how alike")
        for result in self._failures:
            place = f"{result['table']}, seed {result['seed']}"
            said.append(f"{result['model']} failed on {place}: {result['failure']}")
        return said

    def _extra(self) -> list[str]:
        return [HINDSIGHT] if HINDSIGHT in self._of else []

    def _hindsight(self) -> dict[Case, Result]:
        """Return the rivals' best values for the cases that all of them have."""
        rivals = [self._of[name] for name in self._models if name != "sknet"]
        shared = set.intersection(*(set(found) for found in rivals))
        best: dict[Case, Result] = {}
        for case in shared:
            best[case] = {self._clock: None, "task": self._tasks[case]}
            for measure in MEASURES:
                values = [found[case][measure] for found in rivals]
                best[case][measure] = None if None in values else min(values)
        return best

    def _value(self, model: str, case: Case, measure: str) -> float | None:
        result = self._of[model].get(case)
        return None if result is None else result[measure]

    def _ratios(
        self, model: str, measure: str, reference: str | None = None
    ) -> dict[Case, float]:
        """Return the ratio of two models on each case for which both have a value."""
        base = reference or self._reference
        ratios = {}
        for case in self._of.get(base, ()):
            above, below = (self._value(m, case, measure) for m in (model, base))
            if above is not None and below is not None:
                ratios[case] = above / below
        return ratios

    def _summary_row(self, name: str) -> list[str]:
        error, log_loss, time = (
            self._ratios(name, measure) for measure in (*MEASURES, self._clock)
        )
        by_task = [
            _mean(r for case, r in error.items() if self._tasks[case] == task)
            for task in ("classification", "regression")
        ]
        means = [_mean(error.values()), *by_task, _mean(log_loss.values())]
        wins = [_wins(error), _wins(log_loss)]
        return [name, *means, _mean(time.values(), 2), *wins]

    def _listed_above(self, name: str) -> str:
        """Return the cases on which a model is far behind, worst first."""
        ratios = self._ratios(name, "error")
        far = sorted((-r, case) for case, r in ratios.items() if r > TOO_HIGH)
        many_seeds = len({case[1] for case in ratios}) > 1
        return ", ".join(
            f"{case[0]}{f' (seed {case[1]})' if many_seeds else ''} {-r:.2f}"
            for r, case in far
        )


def _mean(ratios: Iterable[float], digits: int = 3) -> str:
    """Return the geometric mean of positive ratios."""
    logs = [math.log(ratio) for ratio in ratios]
    return f"{math.exp(math.fsum(logs) / len(logs)):.{digits}f}" if logs else "-"


def _wins(ratios: dict[Case, float]) -> str:
    """Count the cases below the reference, without ties."""
    return f"{sum(r < 1 for r in ratios.values())} of {len(ratios)}" if ratios else "-"


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
