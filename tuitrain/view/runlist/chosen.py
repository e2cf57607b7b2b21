"""Which of the chosen runs something can be done to, and the question before it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.lang import term, tr
from tuitrain.runs.summary import RunSummary
from tuitrain.view.format import sanitise, shorten
from tuitrain.view.runrows import LIVE

_NAMED = 3
"""Runs that a question names."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done to runs in some states."""

    states: frozenset[str]
    none: str
    """What is said where no chosen run is in one of them."""
    verb: str
    after: str = ""
    """What the question adds."""
    after_one: str = ""
    """The same of a single run."""


ACTS = {
    "pause": Act(LIVE, term("nothing there runs, so nothing is paused"), term("Pause")),
    "stop": Act(
        LIVE | {"paused"},
        term("nothing there runs, so nothing is stopped"),
        term("Stop"),
        term(" They save checkpoints and can be resumed."),
        term(" It saves a checkpoint and can be resumed."),
    ),
    "resume": Act(
        frozenset({"paused", "stopped", "failed", "lost", "finished"}),
        term("nothing there can be resumed"),
        term("Resume"),
    ),
    "remove": Act(
        frozenset(),
        "",
        term("Remove"),
        term(" They are kept in the trash for 7 days; u brings them back."),
        term(" It is kept in the trash for 7 days; u brings it back."),
    ),
}


def eligible(act: str, runs: Sequence[RunSummary]) -> list[RunSummary]:
    """Return the runs that something can be done to."""
    return [run for run in runs if run.state in ACTS[act].states]


def question(act: str, runs: Sequence[RunSummary], chosen: int) -> str:
    """Return what is asked before something is done to runs.

    Args:
        act: what.
        runs: to whom.
        chosen: how many were meant; it can't be done to the others.
    """
    names = ", ".join(shorten(sanitise(run.name), 30) for run in runs[:_NAMED])
    more = tr(" and {n} more", n=len(runs) - _NAMED) if len(runs) > _NAMED else ""
    words = ACTS[act]
    if len(runs) == 1:
        return f"{tr(words.verb)} {sanitise(runs[0].id)}{tr('?')}{tr(words.after_one)}"
    what = "{n} of {chosen} runs" if chosen > len(runs) else "{n} runs"
    head = f"{tr(words.verb)} {tr(what, n=len(runs), chosen=chosen)}: {names}{more}"
    return f"{head}{tr('?')}{tr(words.after)}"


def tag_changes(text: str) -> tuple[list[str], list[str]]:
    """Return the tags to add and those to remove, which have - before them."""
    words = text.replace(",", " ").split()
    add = [word for word in words if not word.startswith("-")]
    return add, [word[1:] for word in words if word.startswith("-") and len(word) > 1]
