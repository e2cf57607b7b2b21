"""A trained model's evaluation for a screen: made in a thread by a process, kept for the session.

Knows how it comes about; nothing of what is shown of it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tuitrain.analysis.evaluation import Evaluated
from tuitrain.analysis.mistakes import Judged, judge
from tuitrain.config.load import parse_preset
from tuitrain.errors import TuitrainError
from tuitrain.runs.config import recorded_config
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.samples import sampled_steps
from tuitrain.trained.evaluation import Wanted, evaluate_model
from tuitrain.trained.opening import Trained, open_trained
from tuitrain.ui.feeds.child import Ask, AskedChild, Child, ask_child

_MOST_KEPT = 4
"""Evaluations of a session; one of a large set can take hundreds of megabytes."""
_MOST_KEPT_BYTES = 1 << 30

Key = tuple[str, int, int, bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which weights are evaluated."""

    checkpoint: str = ""
    """Its name; empty: the best, else the last."""
    averaged: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """All that the screen shows."""

    trained: Trained
    choice: Choice
    report: dict[str, Any]
    """As `tuitrain evaluate --json` prints it."""
    found: Evaluated
    judged: Judged | None
    """None: the task has no class a sample."""
    sampled: tuple[int, ...]
    """Steps whose samples the run has recorded."""
    live: bool
    """Whether the run still trained when this was made."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there are no results."""

    reason: str


def choices(directory: RunDirectory) -> list[Choice]:
    """Return the weights of a run that can be evaluated: best and last first, then the newest.

    Averaged ones are among them where a hook of the run averages weights, or may do so.
    """
    names = sorted(path.stem for path in directory.checkpoints.glob("*.pt") if path.exists())
    first = [name for name in ("best", "last") if name in names]
    others = [name for name in reversed(names) if name not in first]
    averaged = [False, True] if _averages(directory) else [False]
    return [Choice(name, each) for name in (*first, *others) for each in averaged]


def has_samples_alone(directory: RunDirectory) -> bool:
    """Return whether a run has images or texts and no checkpoint, as scripts and watched logs."""
    return bool(sampled_steps(directory)) and not any(directory.checkpoints.glob("*.pt"))


def _averages(directory: RunDirectory) -> bool:
    try:
        text = recorded_config(directory) or directory.config_path.read_text(encoding="utf-8")
        hooks = parse_preset(text, "config.toml").hooks
    except (TuitrainError, OSError):
        # Evaluating says what is wrong with it.
        return False
    return any(hook.name == "ema" or ":" in hook.name for hook in hooks)


Told = str | Results | Refused
"""What an evaluation is at, or how it ended."""


class KeptResults:
    """The latest results, by the weights they are of."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: OrderedDict[Key, Results] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Results | None:
        """Return what is kept of these weights."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, results: Results) -> None:
        """Keep results; the oldest go where they are too many or too large."""
        with self._lock:
            self._kept[key] = results
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._is_full():
                self._kept.popitem(last=False)

    def _is_full(self) -> bool:
        sizes = [
            sum(array.nbytes for array in results.found.arrays.values())
            for results in self._kept.values()
        ]
        return len(sizes) > _MOST_KEPT or sum(sizes) > _MOST_KEPT_BYTES


def key_of(checkpoint: Path, averaged: bool) -> Key:
    """Return what weights are known by: a file that is written again is another one.

    Raises:
        OSError: the file is gone.
    """
    facts = checkpoint.stat()
    return str(checkpoint), facts.st_mtime_ns, facts.st_size, averaged


@dataclass(frozen=True, slots=True)
class Source:
    """What is evaluated, by what, and where results are kept."""

    directory: RunDirectory
    kept: KeptResults
    ask: Ask = ask_child
    """Puts questions to a process."""
    data_dir: Path | None = None
    """Where data sets are kept, when not where they were."""


def find_results(
    source: Source,
    choice: Choice,
    tell: Callable[[str], None],
    begun: Callable[[Child], None],
    *,
    again: bool,
) -> Results:
    """Return what is kept of a choice of weights, or evaluate them.

    Args:
        source: the run.
        choice: which weights.
        tell: is given what it is at.
        begun: is given the process that evaluates.
        again: evaluate, whatever is kept.

    Raises:
        TuitrainError: there is no such checkpoint, or it can't be evaluated.
        OSError: it is gone.
    """
    directory, live = source.directory, is_alive(source.directory)
    trained = open_trained(
        directory, choice.checkpoint, command="evaluate", code=None, data_dir=source.data_dir
    )
    if live:
        # By its name: the file itself may have made room for the next before it is read.
        trained = replace(trained, checkpoint=directory.checkpoints / f"{trained.name}.pt")
    key = key_of(trained.checkpoint.resolve(), choice.averaged)
    kept = None if again else source.kept.get(key)
    if kept is not None:
        return kept
    evaluation = evaluate_model(
        trained, Wanted(ema=choice.averaged), lambda question: source.ask(question, tell, begun)
    )
    tell("working out figures and their intervals")
    found, sampled = evaluation.found, tuple(sampled_steps(directory))
    report = evaluation.report()
    results = Results(trained, choice, report, found, judge(found), sampled, live)
    if not live or key == key_of(trained.checkpoint.resolve(), choice.averaged):
        source.kept.put(key, results)
    return results


class Evaluations:
    """Evaluates in a thread, one choice of weights at a time, until it is left."""

    def __init__(self, source: Source, deliver: Callable[[Told], None]) -> None:
        """Evaluate nothing yet.

        Args:
            source: the run.
            deliver: is given what the evaluation is at and how it ended, in a thread.
        """
        self._source = source
        self._deliver = deliver
        self._child: AskedChild | None = None

    @property
    def waiting(self) -> bool:
        """Whether one is being made."""
        return self._child is not None

    def start(self, choice: Choice, *, again: bool = False) -> None:
        """Begin another one; `again`: whatever is kept."""
        self.end()
        self._child = child = AskedChild()
        threading.Thread(target=self._run, args=(child, choice, again), daemon=True).start()

    def end(self) -> None:
        """End the process; nothing is delivered any more."""
        if self._child is not None:
            self._child.close()
        self._child = None

    def _run(self, child: AskedChild, choice: Choice, again: bool) -> None:
        tell = partial(self._tell, child)
        try:
            told: Told = find_results(self._source, choice, tell, child.begun, again=again)
        except (TuitrainError, OSError) as error:
            told = Refused(str(error))
        self._tell(child, told)

    def _tell(self, child: AskedChild, told: Told) -> None:
        if child is not self._child:
            return
        if not isinstance(told, str):
            self._child = None
        self._deliver(told)
