"""`tuitrain reproduce`: run a run again, and say whether it gives the same.

Knows what is on record of where a run ran; how two runs are compared is `analysis`'.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Code, Json, RunArgument, RunsDir
from tuitrain.errors import EXIT_FAILED, CheckpointError, TuitrainError

if TYPE_CHECKING:
    from tuitrain.analysis.reproduction import Match
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.reader import RunReader

_PACKAGES = ("torch", "torchvision", "numpy")
_TOLD = frozenset({*_PACKAGES, "python", "tuitrain", "host", "user", "folder of the command"})
"""What is told before the run, or changes nothing of it."""
_UNCHANGED = {"not recorded", "none"}
"""What was and is changed where nothing can be said against it."""


def reproduce(
    run: RunArgument,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            min=0.0,
            help="Metrics may differ by so much, relative to their size, where weights do.",
        ),
    ] = 1e-6,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what can't be had the same way; run nothing.")
    ] = False,
    code: Code = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Run a run again from its settings, and compare weights and metrics.

    Exit code: 0 the same, or within the tolerance; 1 it differs, or failed.
    """
    from tuitrain.cli.control import open_client
    from tuitrain.runs.reader import RunReader

    directory = open_client(runs_dir).find(run)
    with RunReader(directory) as reader:
        notes = changed_since(reader)
    if not json:
        for kind, words in notes:
            output.say(f"{kind}: {words}")
    if check:
        if json:
            output.data_json({"run": directory.id, "notes": [list(note) for note in notes]})
        elif not notes:
            output.say("nothing is known that can't be had the same way")
        return
    again = _run_again(directory, code or (), runs_dir)
    match, more = _compare(directory, again)
    if not json:
        for kind, words in more:
            output.say(f"{kind}: {words}")
    notes += more
    verdict = match.verdict(tolerance)
    if json:
        output.data_json(_plain(directory, again, match, verdict, notes))
    else:
        output.data(_words(again, match, verdict, tolerance))
    raise typer.Exit(EXIT_FAILED if verdict == "differs" else 0)


# --- what can't be had the same way ---------------------------------------------------------------


def changed_since(reader: "RunReader") -> list[tuple[str, str]]:
    """Return what is known to be otherwise now than when a run ran, by kind and in words."""
    import platform
    import socket

    meta = reader.meta()
    then = meta.get("environment", {})
    notes = _code(meta)
    notes += _changed("packages", {"python": (then.get("python"), platform.python_version())})
    notes += _changed("packages", {name: (then.get(name), _version(name)) for name in _PACKAGES})
    notes += _changed("machine", {"host": (meta.get("host"), socket.gethostname())})
    settings = [mark.text for mark in reader.entries.marks() if mark.kind in ("setting", "batch")]
    if settings:
        words = "were changed while it ran, which is not repeated: " + "; ".join(settings)
        notes.append(("settings", words))
    return [*notes, *_data(reader.config().get("data", {}))]


def _code(meta: dict[str, Any]) -> list[tuple[str, str]]:
    from tuitrain import __version__
    from tuitrain.runs.writing.code import code_changes
    from tuitrain.runs.writing.identity import git_commit

    folder, commit = Path(str(meta.get("cwd") or ".")), str(meta.get("git_commit") or "")
    notes = _changed("packages", {"tuitrain": (meta.get("tuitrain_version"), __version__)})
    if not folder.is_dir():
        return [*notes, ("folder", f"{folder}, where it was started, is gone")]
    now, changes = git_commit(folder), code_changes(folder)
    if commit and commit != now:
        notes.append(("commit", f"was {commit[:12]}, {folder} is now at {now[:12] or 'none'}"))
    then = meta.get("git_changes", "not recorded")
    if changes is not None and changes.words != then and {then, changes.words} != _UNCHANGED:
        words = f"what was changed since the commit: {then}; now in {folder}: {changes.words}"
        notes.append(("commit", words))
    return notes


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _changed(kind: str, values: dict[str, tuple[Any, Any]]) -> list[tuple[str, str]]:
    """Return a note for each value that was known then and is another one now."""
    notes = []
    for name, (then, now) in values.items():
        # What a build adds to a version (+cu130) is not always part of what is installed.
        if then and str(then).partition("+")[0] != str(now).partition("+")[0]:
            notes.append((kind, f"{name} was {then}, is {now or 'not installed'}"))
    return notes


def _data(section: dict[str, Any]) -> list[tuple[str, str]]:
    path = section.get("path")
    if path and not Path(str(path)).exists():
        return [("data", f"{path} is gone")]
    return []


# --- running and comparing ------------------------------------------------------------------------


def _run_again(
    directory: "RunDirectory", code: "list[str] | tuple[str, ...]", runs_dir: Path | None
) -> "RunDirectory":
    """Run it in the background and wait for its end."""
    from tuitrain.cli.control import open_client, waiting
    from tuitrain.config.load import load_preset
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.watched import refuse_script, refuse_watched
    from tuitrain.supervisor.launch import trusted_folders

    refuse_watched(directory)
    refuse_script(directory, "reproduce")
    preset = load_preset(directory.config_path)
    folders = trusted_folders(preset, code, f"reproduce {directory.id}")
    with RunReader(directory) as reader:
        kept = reader.meta().get("data_directory")
    client = open_client(runs_dir, Path(kept) if kept else None)
    again = client.start(preset, preset_folder=Path(folders[0]) if folders else None)
    output.say(f"runs again as {again.id}; `tuitrain attach {again.id}` watches it")
    client.wait_for_start(again)
    client.wait_for_end(again, waiting(again, "its end"))
    with RunReader(again) as reader:
        state = reader.state()
    if state.state == "failed":
        raise TuitrainError(f"{again.id} failed: {state.reason}")
    return again


def _compare(
    directory: "RunDirectory", again: "RunDirectory"
) -> "tuple[Match, list[tuple[str, str]]]":
    """Return what both have in common, and what only the second one's worker could tell."""
    import zipfile

    from tuitrain.analysis.reproduction import compare_runs
    from tuitrain.report.differences import Side, differences
    from tuitrain.runs.reader import RunReader

    with RunReader(directory) as before, RunReader(again) as after:
        sides = [Side(reader.summary(), reader) for reader in (before, after)]
        notes = [
            (row.kind, f"{row.what} was {row.before}, is {row.now}")
            for row in differences(*sides)
            if row.kind == "environment" and row.what not in _TOLD
        ]
        try:
            return compare_runs(before, after), notes
        except (OSError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"a checkpoint can't be compared: {error}") from error


def _plain(
    directory: "RunDirectory",
    again: "RunDirectory",
    match: "Match",
    verdict: str,
    notes: list[tuple[str, str]],
) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "run": directory.id,
        "again": again.id,
        "verdict": verdict,
        "notes": [list(note) for note in notes],
        **asdict(match),
    }


def _words(again: "RunDirectory", match: "Match", verdict: str, tolerance: float) -> str:
    differ = [each for each in match.metrics if each.first_step is not None]
    lines = []
    if match.step is not None:
        same = "are the same, bit for bit" if match.same_tensors else "are not the same"
        lines.append(f"weights, optimizer and generators at step {match.step:,} {same}")
    else:
        lines.append("no checkpoint of the same step is there in both: weights are not compared")
    points = sum(each.points for each in match.metrics)
    if not differ:
        lines.append(f"{len(match.metrics)} metrics are the same in all of {points:,} points")
    for each in differ:
        lines.append(
            f"{each.name} differs from step {each.first_step:,} on, by {each.most:.3g} at most"
        )
    ends = {
        "same": "reproduced",
        "within": f"reproduced within {tolerance:g}",
        "differs": f"not reproduced; `tuitrain why {again.id}` says what else differs",
    }
    return "\n".join([*lines, ends[verdict]])
