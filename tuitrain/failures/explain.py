"""From the text that a failed training left to what it means: the table's rows that it matches.

Pure functions of text; knows neither files nor runs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter

from tuitrain.failures.kind import FailureKind
from tuitrain.failures.table import FAILURES
from tuitrain.failures.traces import CHAINED, Place, is_error, last_error, place_before

MOST_CHARACTERS = 1 << 19
"""Of a log: the end of it, some thousand lines."""
_MOST_LINE = 300
_NEAR = 2000
"""Characters within which a line of the same kind belongs to the same failure."""
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PREFIX = re.compile(r"^(?:\[rank\d+\]: ?|\d+: )")
"""What torchrun and srun put before each line of a process."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a training, in words."""

    kind: str
    """Its name in the table; `error` where the table does not know it."""
    line: str
    """What gave it away."""
    place: Place | None
    """In the user's own code, where a traceback has it."""
    meaning: str
    """All of it, the figures too."""
    advice: tuple[str, ...]
    figures: tuple[str, ...] = ()
    """The sentences that the meaning ends with, each of what the line itself tells."""


@dataclass(frozen=True, slots=True)
class _Match:
    kind: FailureKind
    position: int
    line: str
    groups: dict[str, str]

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """Causes before symptoms, what was raised before what was only written, the last first."""
        return self.kind.is_symptom, not is_error(_bare(self.line)), -self.position


def explain(text: str, *, run: str = "", preset: str = "", most: int = 3) -> tuple[Failure, ...]:
    """Return what a text tells of a failure, the likeliest cause first; empty where it is unknown.

    Args:
        text: tracebacks, the end of a log, or both.
        run: what advice calls the run; empty: RUN.
        preset: what it calls the preset; empty: PRESET.
        most: failures at the most, each of another kind.
    """
    text = _TERMINAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[-MOST_CHARACTERS:]
    matches, best = list(_matches(text)), dict[str, _Match]()
    for match in sorted(matches, key=lambda each: each.rank):
        best.setdefault(match.kind.name, match)
    for match in sorted(matches, key=lambda each: each.position):
        known = best[match.kind.name]
        if 0 < match.position - known.position < _NEAR:
            # An error's text may go on for lines, as that of weights that do not fit.
            known.groups.update({**match.groups, **known.groups})
    return tuple(_told(text, match, run, preset) for match in list(best.values())[:most])


def unexplained(text: str) -> Failure | None:
    """Return the last error in a text that the table does not know, with its place."""
    text = _TERMINAL.sub("", text)[-MOST_CHARACTERS:]
    error = last_error(text)
    if error is None:
        return None
    position, line = error
    return Failure("error", _cut(line), place_before(text, position), "", ())


def _matches(text: str) -> Iterator[_Match]:
    """Yield a match for each line that a kind knows, of the first kind that knows it."""
    taken: set[int] = set()
    for kind, patterns in _compiled():
        for pattern in patterns:
            for found in pattern.finditer(text):
                start = text.rfind("\n", 0, found.start()) + 1
                if start in taken:
                    continue
                taken.add(start)
                end = text.find("\n", start)
                line = text[start : end if end >= 0 else None].strip()
                groups = {name: value for name, value in found.groupdict().items() if value}
                yield _Match(kind, start, line, groups)


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[FailureKind, tuple[re.Pattern[str], ...]], ...]:
    return tuple(
        (kind, tuple(re.compile(pattern, re.MULTILINE) for pattern in kind.patterns))
        for kind in FAILURES
    )


def _told(text: str, match: _Match, run: str, preset: str) -> Failure:
    kind = match.kind
    figures = tuple(
        figure.format_map(match.groups)
        for figure in kind.figures
        if _fields(figure) <= match.groups.keys()
    )
    names = {"run": run or "RUN", "preset": preset or "PRESET"}
    advice = tuple(each.format_map(names) for each in kind.advice)
    place = place_before(text, match.position)
    if place is None and _goes_on(text, match):
        place = place_before(text, len(text))
    meaning = " ".join([kind.meaning, *figures])
    return Failure(kind.name, _cut(_bare(match.line)), place, meaning, advice, figures)


def _goes_on(text: str, match: _Match) -> bool:
    """Return whether a later traceback tells of the same failure.

    A library writes to the log before python notices; an error may be the cause of another.
    """
    after = text[match.position :]
    return not is_error(_bare(match.line)) or any(words in after for words in CHAINED)


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def _bare(line: str) -> str:
    return _PREFIX.sub("", line).strip()


def _cut(line: str) -> str:
    return line if len(line) <= _MOST_LINE else f"{line[: _MOST_LINE - 4]} ..."
