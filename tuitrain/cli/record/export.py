"""`tuitrain export`: every point of a run at full resolution, as a file or to a tracker.

Knows the formats of text, not how points are kept, and no tracker.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunArgument, RunsDir
from tuitrain.cli.whole_file import whole_file
from tuitrain.config.tracking import TRACKER_KINDS, TRACKER_WORDS

if TYPE_CHECKING:
    from tuitrain.runs.reader import RunReader

_BLOCK_LINES = 4096
_PARQUET = "parquet"
_NONFINITE_JSON = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}


class Format(StrEnum):
    """How points are written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    run: RunArgument,
    format: Annotated[
        Format | None,
        typer.Option(
            help="csv: lines of metric,step,value; jsonl: one object a line.", show_default=False
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="csv|jsonl|parquet|TRACKER",
            help="As --format, a parquet file, or tensorboard[:DIR], wandb[:PROJECT], "
            "mlflow[:EXPERIMENT] or trackio[:PROJECT].",
            show_default=False,
        ),
    ] = "",
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

    target = _target(format, to)
    with RunReader(find_run(runs_root(runs_dir), run)) as reader:
        if target in tuple(Format):
            _export_lines(reader, Format(target), output_file)
        elif target == _PARQUET:
            _export_parquet(reader, output_file)
        else:
            _export_to_tracker(reader, target, output_file)


def _target(format: Format | None, to: str) -> str:
    """Return what is asked for by either option.

    Raises:
        UsageError: neither says it, or both do.
    """
    from tuitrain.errors import UsageError

    if (format is None) == (not to):
        problem = "say where to" if format is None else "--format and --to are two words for one"
        raise UsageError(f"{problem}: --to csv, jsonl, parquet, {', '.join(TRACKER_KINDS)}")
    return format or to


def _export_lines(reader: "RunReader", format: Format, output_file: Path | None) -> None:
    lines = _csv_lines(reader) if format is Format.CSV else _jsonl_lines(reader)
    if output_file is None:
        for block in _blocks(lines):
            output.data(block)
    else:
        with (
            whole_file(output_file) as draft,
            draft.open("w", encoding="utf-8", newline="\n") as file,
        ):
            file.writelines(f"{block}\n" for block in _blocks(lines))
        output.say(f"wrote {output_file}")


def _export_parquet(reader: "RunReader", output_file: Path | None) -> None:
    from tuitrain.trackers.parquet import write_parquet

    path = output_file or reader.directory.exports / "metrics.parquet"
    with whole_file(path) as draft:
        write_parquet(reader, draft)
    output.say(f"wrote {path}")


def _export_to_tracker(reader: "RunReader", text: str, output_file: Path | None) -> None:
    from tuitrain.errors import UsageError
    from tuitrain.trackers.follow import export as carry
    from tuitrain.trackers.targets import check_trackers, read_target

    if text.partition(":")[0] not in TRACKER_KINDS:
        known = f"csv, jsonl, parquet, {TRACKER_WORDS}"
        raise UsageError(f"--to {text}: nothing that can be exported to; allowed: {known}")
    target = read_target(text)
    if output_file is not None:
        raise UsageError(f"-o goes with files; a place in {target.kind} is --to {target.kind}:...")
    check_trackers([text])
    output.say(f"{target.kind} has it as {carry(reader, target, reader.directory.exports)}")


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
