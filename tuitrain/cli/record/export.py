"""`tuitrain export`: every point of a run at full resolution, as CSV or JSON lines.

Knows the two formats, not how points are kept.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunArgument, RunsDir

if TYPE_CHECKING:
    from tuitrain.runs.reader import RunReader

_BLOCK_LINES = 4096
_NONFINITE_JSON = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}


class Format(StrEnum):
    """How points are written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    run: RunArgument,
    format: Annotated[
        Format,
        typer.Option(
            help="csv: lines of metric,step,value; jsonl: one object a line.", show_default=False
        ),
    ],
    runs_dir: RunsDir = None,
    output_file: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to a file.", dir_okay=False, show_default="-"),
    ] = None,
) -> None:
    """Export every point of every metric at full resolution."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.reader import RunReader

    with RunReader(find_run(runs_root(runs_dir), run)) as reader:
        lines = _csv_lines(reader) if format is Format.CSV else _jsonl_lines(reader)
        if output_file is None:
            for block in _blocks(lines):
                output.data(block)
        else:
            _write_whole(output_file, _blocks(lines))
            output.say(f"wrote {output_file}")


def _csv_lines(reader: "RunReader") -> Iterator[str]:
    yield "metric,step,value"
    for name in reader.curves.metric_names():
        field = _csv_field(name)
        for step, value in reader.curves.points(name):
            yield f"{field},{step},{value!r}"


def _jsonl_lines(reader: "RunReader") -> Iterator[str]:
    for name in reader.curves.metric_names():
        start = f'{{"metric": {json.dumps(name)}, "step": '
        for step, value in reader.curves.points(name):
            text = repr(value)
            yield f'{start}{step}, "value": {_NONFINITE_JSON.get(text, text)}}}'


def _csv_field(name: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name])
    return line.getvalue()


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield many lines at once: one write for each would take most of the time."""
    source = iter(lines)
    while block := list(islice(source, _BLOCK_LINES)):
        yield "\n".join(block)


def _write_whole(path: Path, blocks: Iterable[str]) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        UsageError: the folder does not exist or can't be written.
    """
    from tuitrain.errors import UsageError

    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{block}\n" for block in blocks)
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"-o {path}: can't be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
