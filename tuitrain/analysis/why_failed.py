"""Why a run failed, from what its record and the end of its log say.

Reads only; what texts mean is the table's in `tuitrain.failures`.
"""

import shlex
from contextlib import suppress
from pathlib import Path

from tuitrain.failures.explain import Failure, explain
from tuitrain.failures.kind import FailureKind
from tuitrain.failures.table import FAILURES
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.log import LogFile
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import StateRow

FAILED_STATES = frozenset({"failed", "lost"})
_LOG_BYTES = 65536
_KINDS: dict[str, FailureKind] = {kind.name: kind for kind in FAILURES}


def read_failures(reader: RunReader) -> tuple[Failure, ...]:
    """Return what made a run fail, the likeliest cause first; empty where nothing is known.

    Raises:
        RecordError: the record can't be read.
    """
    state = reader.state()
    if state.state not in FAILED_STATES:
        return ()
    before = [row for row in reader.states() if row.time < state.time]
    return explain_end(reader.directory, state, before)


def explain_end(
    directory: RunDirectory, state: StateRow, before: list[StateRow]
) -> tuple[Failure, ...]:
    """Return what a run's last state means.

    Args:
        directory: the run; its log is read where the state tells no cause.
        state: the last one.
        before: the states before it: what they tell is of an earlier worker.
    """
    run, preset = directory.id, shown_path(directory.config_path)
    said = f"{state.detail}\n{state.reason}"
    found = explain(said, run=run, preset=preset)
    if any(not _KINDS[each.kind].is_symptom for each in found):
        return found
    past = "\n".join(f"{row.detail}\n{row.reason}" for row in before)
    logged = explain(f"{_end_of_log(directory)}\n{said}", run=run, preset=preset)
    return tuple(each for each in logged if each.line not in past or each.line in said)


def shown_path(path: Path) -> str:
    """Return a path for a command: from this folder where it lies below, quoted where it must."""
    with suppress(ValueError, OSError):
        path = path.absolute().relative_to(Path.cwd())
    return shlex.quote(str(path))


def _end_of_log(directory: RunDirectory) -> str:
    with suppress(OSError):
        lines = LogFile(directory.log_path).tail(_LOG_BYTES).lines
        return "\n".join(line.decode("utf-8", errors="replace") for _place, line in lines)
    return ""
