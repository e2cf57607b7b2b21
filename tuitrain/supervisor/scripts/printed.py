"""Metrics from the lines that a script prints, where it logs them nowhere else.

Knows how training scripts, tqdm, Lightning and Hugging Face print; nothing of processes.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tuitrain.messages import Event, MetricPoints, ScriptSeen, StepsTaken
from tuitrain.script.points import Placing
from tuitrain.supervisor.scripts.hearing import ScriptHearing

PREFIX = "printed/"
"""What names of metrics begin with that were read off printed lines."""
_EVERY_S = 0.5
_MOST_BYTES = 1 << 20
"""Of one look; what a script prints beyond that is read with the next."""
_LONGEST_LINE = 2000
_MOST_PAIRS = 24
"""Names with numbers in a line; one with more lists settings."""
_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|nan|inf)"
_WORDS = (
    "loss", "acc", "accuracy", "top1", "top5", "f1", "auc", "auroc", "ppl", "perplexity", "mse",
    "mae", "rmse", "r2", "iou", "miou", "dice", "map", "bleu", "rouge", "wer", "cer", "precision",
    "recall", "reward", "return", "score", "psnr", "ssim", "fid", "kl", "elbo", "nll", "bpc", "bpb",
    "lr", "learning_rate", "grad_norm", "error",
)  # fmt: skip
"""A number is a metric where its name has one of these: scripts print many other numbers."""
_ACCOMPANYING = frozenset({"lr", "learning_rate", "grad_norm"})
"""What stands beside a result; alone it is a setting, or source in a traceback."""
_KNOWN = re.compile(rf"(?:^|[^a-z0-9])(?:{'|'.join(_WORDS)})(?:$|[^a-z0-9])")
_JOINED = re.compile(
    rf"""['"]?(?P<name>[A-Za-z][\w/.@-]*(?:[ ][A-Za-z][\w/.@-]*){{0,2}})['"]?"""
    rf"""\s*(?:[:=]|\s)\s*['"]?(?P<value>{_NUMBER})(?P<percent>\s?%)?(?![\w.:/])"""
)
_STEP = re.compile(
    r"(?i)\b(?:global[_ ]?step|step|steps|iter|iters|iteration|it)\b\s*[:=#]?\s*[\[(]?\s*(\d+)"
)
_EPOCH = re.compile(r"(?i)\bepoch\b\s*[:=#]?\s*[\[(]?\s*(\d+)")
_BAR = re.compile(r"\d+%\|[^|]*\|\s*(\d+)/\d+\s*\[")
_COUNT = re.compile(
    r"(?i)(?:^|[\[(]|\bepoch\b\W*\d+\W+|\bbatch(?:es)?\b\W*)\s*"
    r"(\d+)\s?/\s?\d+(?![\d/.]| \d\d?:\d\d)"
)
"""How far an epoch is: `3/200`, `[0][ 10/5005]`, `1 [640/60000`; a date with a time is none."""
_RAISED = re.compile(rf"^\s*[\w.]*\w(?:Error|Exception|Warning): (?!\s*{_NUMBER}\s*$)")
"""The end of a traceback, whose numbers are no results."""
_LEADING = re.compile(r"^(?:(?:epoch|step|iter(?:ation)?|and|at|the|final|current|avg|average) )+")


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """What one line says of training."""

    step: int | None = None
    """As the line counts: steps, or else how far a bar or an epoch is, or else epochs."""
    metrics: dict[str, float] = field(default_factory=dict)


def parse_line(line: str) -> PrintedLine:
    """Return what a line says; nothing where it names no metric."""
    if len(line) > _LONGEST_LINE or _RAISED.match(line):
        return PrintedLine()
    pairs = list(_JOINED.finditer(line))
    if len(pairs) > _MOST_PAIRS:
        return PrintedLine()
    metrics = {name: float(match["value"]) for match in pairs if (name := _name(match))}
    if not metrics.keys() - _ACCOMPANYING:
        return PrintedLine()
    ways = (_STEP, _BAR, _COUNT, _EPOCH)
    found = next((found for way in ways if (found := way.search(line))), None)
    return PrintedLine(int(found[1]) if found else None, metrics)


def _name(match: "re.Match[str]") -> str:
    """Return a metric's name in one word; empty where it is the name of none."""
    lower = _LEADING.sub("", match["name"].lower())
    if not _KNOWN.search(lower.replace("_", " ")) and not _KNOWN.search(lower):
        return ""
    return lower.replace(" ", "_")


class PrintedMetrics:
    """Follows a script's log, for as long as it logs no metric by other means."""

    def __init__(
        self,
        log_path: Path,
        hearing: ScriptHearing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow the log from its end as it is now.

        Args:
            log_path: what the script prints to.
            hearing: knows what it says by other means.
            clock: seconds since the epoch.
        """
        self._path = log_path
        self._hearing = hearing
        self._clock = clock
        self._begun = clock()
        self._looked = 0.0
        self._place = log_path.stat().st_size if log_path.exists() else 0
        self._rest = b""
        self._placing = Placing()
        self._told = False

    def poll(self, *, at_once: bool = False) -> list[Event]:
        """Return what new lines say, if it is time to look, or at once."""
        now = self._clock()
        if self._hearing.logs or (now < self._looked + _EVERY_S and not at_once):
            return []
        self._looked = now
        curves: dict[str, dict[int, float]] = {}
        for line in self._lines(whole=at_once):
            said = parse_line(line)
            for name, value in said.metrics.items():
                at = self._placing.place(name, self._hearing.last_step, said.step)
                curves.setdefault(name, {})[at] = value
        return list(self._events(curves, now))

    def _events(self, curves: dict[str, dict[int, float]], now: float) -> Iterator[Event]:
        if not curves:
            return
        hearing = self._hearing
        points = tuple(_points(name, curve) for name, curve in curves.items())
        last = hearing.last_step
        if hearing.ability == "watched":
            last = max(last, *(step for curve in curves.values() for step in curve))
        train_s = hearing.train_s if hearing.train_s is not None else now - self._begun
        yield StepsTaken(now, min(last, hearing.last_step + 1), last, 0.0, train_s, points)
        if not self._told:
            self._told = True
            by = tuple(dict.fromkeys((*hearing.by, "printed lines")))
            yield ScriptSeen(now, hearing.ability, by)

    def _lines(self, *, whole: bool) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._place)
                block = file.read(_MOST_BYTES)
        except OSError:
            return []
        self._place += len(block)
        # A bar draws over itself: each of its states is a line.
        *lines, self._rest = (self._rest + block).replace(b"\r", b"\n").split(b"\n")
        if whole or len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        return [line.decode("utf-8", errors="replace") for line in lines]


def _points(name: str, curve: dict[int, float]) -> MetricPoints:
    steps = tuple(sorted(curve))
    return MetricPoints(PREFIX + name, steps[0], tuple(curve[step] for step in steps), steps)
