"""`tuitrain run` and `tuitrain resume`: start training, here or in the background.

Knows how a run is begun, not how it is supervised.
"""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, PresetArgument, RunArgument, RunsDir
from tuitrain.errors import EXIT_FAILED, RunBusyError, UsageError

if TYPE_CHECKING:
    from tuitrain.cli.progress import Progress
    from tuitrain.config.schema import Preset
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import StateRow
    from tuitrain.supervisor.assignment import Assignment

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="$TUITRAIN_DATA or the user's cache",
        file_okay=False,
    ),
]


def run(
    preset: PresetArgument,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="Change a setting, e.g. --set optimizer.lr=3e-4; may be given again.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="What to call the run.", show_default=False)
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Train in the background; print the run's id.")
    ] = False,
    tui: Annotated[
        bool, typer.Option("--tui", help="Train in the background and watch in the interface.")
    ] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the resolved preset and run nothing.")
    ] = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Train a preset without the interface.

    Ctrl-C once saves a checkpoint and ends; twice ends at once. Exit code: 0 finished,
    130 interrupted and 143 terminated (both resumable), 1 failed, 2 wrong usage or preset.
    """
    from tuitrain.config.load import load_preset, to_toml
    from tuitrain.config.presets import find_preset
    from tuitrain.config.user import load_user_config

    found = find_preset(preset)
    if found.shadowing:
        output.say(found.shadowing)
    resolved = load_preset(found.path, overrides or (), load_user_config().alert_defaults)
    if print_config:
        output.data(to_toml(resolved).rstrip("\n"))
        return
    if tui:
        from tuitrain.ui.terminal import check_terminal

        check_terminal()
    from tuitrain.runs.directory import runs_root
    from tuitrain.supervisor.assignment import begin_run

    folder = found.path.resolve().parent
    assignment = begin_run(
        resolved, runs_root(runs_dir), name=name, data_dir=data_dir, preset_folder=folder
    )
    with _undone_unless_begun(assignment.directory):
        if tui:
            raise typer.Exit(_watch(assignment, runs_root(runs_dir)))
        if detach:
            raise typer.Exit(_begin_in_background(assignment, json))
        raise typer.Exit(_supervise_here(assignment, resolved, json))


def resume(
    run: RunArgument,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay with the run, as `tuitrain run` does.")
    ] = False,
    code: Annotated[
        list[str] | None,
        typer.Option(
            "--code",
            metavar="MODULE:NAME",
            help="Code of your own that the run may load; needed where its preset names any.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Go back to this checkpoint, e.g. best or step-00000100, and train on from there.",
            show_default=False,
        ),
    ] = "",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="Go on with another setting, e.g. --set train.epochs=20; may be given again.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Resume a paused run, or one that ended, from its last checkpoint."""
    from tuitrain.config.load import load_preset
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.lock import is_alive
    from tuitrain.supervisor.assignment import continue_run

    directory = find_run(runs_root(runs_dir), run)
    if is_alive(directory) and checkpoint:
        raise RunBusyError(f"{directory.id} is live: stop it before going back to a checkpoint")
    if is_alive(directory) and overrides:
        from tuitrain.config.schema import LIVE_SETTINGS

        raise RunBusyError(
            f"{directory.id} is live: `tuitrain set` changes {', '.join(LIVE_SETTINGS)} while it "
            "is; to change anything else, stop it first"
        )
    if is_alive(directory):
        from tuitrain.cli.control import order

        order(directory, "resume", {}, json)
        return
    assignment = continue_run(
        directory,
        data_dir=data_dir,
        code=code or (),
        checkpoint=_checkpoint_path(directory, checkpoint) if checkpoint else "",
        settings=overrides or (),
    )
    preset = load_preset(directory.config_path)
    _tell_changes(assignment, preset)
    if foreground:
        raise typer.Exit(_supervise_here(assignment, preset, json))
    raise typer.Exit(_begin_in_background(assignment, json))


def _tell_changes(assignment: "Assignment", preset: "Preset") -> None:
    """Say what is no longer as it was, and what follows from it."""
    from tuitrain.config.changes import consequences

    changed = {change.key: str(change) for change in assignment.changes}
    set_anew = {key: f"{key} {value:g}" for key, value in assignment.live}
    lines = {**set_anew, **changed}
    if lines:
        output.say(f"{assignment.directory.id} goes on with other settings:")
        for text in (*lines.values(), *consequences(lines, preset.schedule.name)):
            output.say(f"  {text}")


def _checkpoint_path(directory: "RunDirectory", name: str) -> str:
    """Return the path, relative to the run, of the file that a checkpoint's name leads to."""
    file = (directory.checkpoints / f"{name.removesuffix('.pt')}.pt").resolve()
    if not file.is_file():
        there = ", ".join(sorted(path.stem for path in directory.checkpoints.glob("*.pt")))
        raise UsageError(f"{directory.id} has no checkpoint {name!r}; it has: {there or 'none'}")
    return str(file.relative_to(directory.path.resolve()))


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(run)
    app.command()(resume)


# --- where it runs ------------------------------------------------------------------------------


@contextmanager
def _undone_unless_begun(directory: "RunDirectory") -> Iterator[None]:
    """Remove a new run whose supervisor could not be started: nothing of it was ever done."""
    from tuitrain.errors import FolderError, TuitrainError
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.remove import remove_run

    try:
        yield
    except (OSError, FolderError, KeyboardInterrupt):
        with suppress(TuitrainError, OSError):
            with closing(RunReader(directory)) as reader:
                begun = bool(reader.attempts())
            if not begun:
                remove_run(directory)
        raise


def _supervise_here(assignment: "Assignment", preset: "Preset", json: bool) -> int:
    from tuitrain.cli.notices import DesktopNotifier
    from tuitrain.cli.progress import UntilBrokenPipe
    from tuitrain.config.user import load_user_config
    from tuitrain.supervisor.supervisor import Supervisor

    directory = assignment.directory
    notify = load_user_config().notify
    shown = UntilBrokenPipe(_progress(directory, preset, json))
    shown.begin()
    notifier = DesktopNotifier(shown.observe, directory.id, notify)
    code = Supervisor(assignment, notifier.observe).run()
    if code:
        output.say(f"resume with: tuitrain resume {directory.id}")
    output.say(f"the run is in {directory.path}")
    return code


def _progress(directory: "RunDirectory", preset: "Preset", json: bool) -> "Progress":
    from tuitrain.cli.progress import JsonLines, LiveLine, PlainLines, RunProgress
    from tuitrain.runs.reader import RunReader

    if json:
        return JsonLines(directory.id, str(directory.path))
    with closing(RunReader(directory)) as reader:
        name = str(reader.meta()["name"])
    progress = RunProgress(name, preset.train.epochs, monitor=preset.checkpoint.monitor or "")
    return LiveLine(progress) if sys.stdout.isatty() else PlainLines(progress)


def _watch(assignment: "Assignment", root: Path) -> int:
    from tuitrain.cli.interface import open_interface
    from tuitrain.supervisor.background import start_in_background

    start_in_background(assignment)
    return open_interface(root, first=lambda app: app.open_run(assignment.directory))


def _begin_in_background(assignment: "Assignment", json: bool) -> int:
    from tuitrain.supervisor.background import start_and_wait

    directory = assignment.directory

    def report(state: "StateRow") -> None:
        output.say(f"{directory.id}: {state.state}{f', {state.reason}' if state.reason else ''}")

    state = start_and_wait(assignment, report)
    if json:
        plain = {"id": directory.id, "state": state.state, "reason": state.reason}
        output.data_json({**plain, "path": str(directory.path)})
    else:
        output.data(directory.id)
    return EXIT_FAILED if state.state == "failed" else 0
