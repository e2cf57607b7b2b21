"""`tuitrain why-failed`: what a failed run, or anybody's log, tells of the failure.

Knows where texts come from; what they mean is the table's.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir, complete_run
from tuitrain.errors import EXIT_FAILED, FolderError, UsageError

if TYPE_CHECKING:
    from tuitrain.failures.explain import Failure

_STDIN = "-"


def why_failed(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE|-",
            help="A run as for `show`, a log file of any program, or - for stdin.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ],
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Say why a run failed: what gave it away, what it means, what to do; also of any log.

    What is a file here is read as a log; everything else names a run. Exit code 1 where nothing is
    known.
    """
    is_log = source == _STDIN or Path(source).is_file()
    if not is_log and os.sep in source:
        raise UsageError(f"{source} is no file here; a run is named without its folder, - is stdin")
    facts, found = _of_log(source) if is_log else _of_run(source, runs_dir)
    if json:
        output.data_json({**facts, "failures": [asdict(each) for each in found]})
    elif found:
        from tuitrain.view.run.failure import failure_block

        output.data(failure_block(found))
    else:
        output.say(_nothing(source, facts))
    if not any(each.meaning for each in found):
        raise typer.Exit(EXIT_FAILED)


def _of_log(source: str) -> "tuple[dict[str, Any], tuple[Failure, ...]]":
    from tuitrain.failures.explain import explain, unexplained

    text = _read(source)
    other = unexplained(text)
    return {"file": source}, explain(text) or ((other,) if other else ())


def _read(source: str) -> str:
    """Return the end of a log, as much as is looked at."""
    from tuitrain.failures.explain import MOST_CHARACTERS

    try:
        if source == _STDIN:
            data = sys.stdin.buffer.read()
        else:
            with Path(source).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - MOST_CHARACTERS))
                data = file.read()
    except OSError as error:
        raise FolderError.of(source, error, "can't be read") from error
    return data[-MOST_CHARACTERS:].decode("utf-8", errors="replace")


def _of_run(name: str, runs_dir: "Path | None") -> "tuple[dict[str, Any], tuple[Failure, ...]]":
    from tuitrain.analysis.why_failed import read_failures
    from tuitrain.failures.explain import unexplained
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.reader import RunReader

    with RunReader(find_run(runs_root(runs_dir), name)) as reader:
        state, found = reader.state(), read_failures(reader)
    other = unexplained(state.detail) if state.state == "failed" else None
    facts = {"id": reader.directory.id, "state": state.state, "reason": state.reason}
    return facts, found or ((other,) if other else ())


def _nothing(source: str, facts: dict[str, Any]) -> str:
    if "state" not in facts:
        return f"{source}: no error that is known, and no traceback, in the end of it"
    reason = f": {facts['reason']}" if facts["reason"] else ""
    if facts["state"] in ("failed", "lost"):
        return f"{facts['id']} {facts['state']}{reason}; more is not known, `tuitrain logs` has all"
    return f"{facts['id']} has not failed, it is {facts['state']}{reason}"
