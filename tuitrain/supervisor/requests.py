"""Commands as people give them (rows) turned into the messages that a worker understands."""

from collections.abc import Callable, Mapping
from typing import Any

from tuitrain.messages import (
    ChangeSetting,
    Command,
    Continue,
    Evaluate,
    Pause,
    Profile,
    SaveCheckpoint,
    Stop,
)
from tuitrain.runs.rows import CommandRow
from tuitrain.traces.store import profile_name

_TRANSLATIONS: Mapping[str, Callable[[int, Mapping[str, Any]], Command]] = {
    "pause": lambda number, given: Pause(number, bool(given.get("release"))),
    "resume": lambda number, _given: Continue(number),
    "stop": lambda number, _given: Stop(number, "by command"),
    "checkpoint": lambda number, given: SaveCheckpoint(number, str(given.get("name", ""))),
    "evaluate": lambda number, _given: Evaluate(number),
    "profile": lambda number, given: Profile(
        number, int(given["steps"]), profile_name(number), bool(given.get("stacks", True))
    ),
    "set": lambda number, given: ChangeSetting(number, str(given["key"]), float(given["value"])),
}


def translate(row: CommandRow) -> Command | None:
    """Return the message for a command row; None when no such command is known.

    Raises:
        ValueError, KeyError: the row lacks what the command needs.
    """
    build = _TRANSLATIONS.get(row.kind)
    return None if build is None else build(row.id, row.arguments)
