"""`tuitrain run` and `tuitrain resume`: start training, here or in the background.

Knows how a run is begun, not how it is supervised.
"""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import cluster, output
from tuitrain.cli.cluster import NodeRank, NodesOption, Rendezvous, Requeue, TimeLimit
from tuitrain.cli.control import await_answer, open_client
from tuitrain.cli.options import Code, Json, Name, PresetArgument, RunArgument, RunsDir
from tuitrain.cli.queue import After, GiveWay, Gpus, Memory, SlotsOption, WhenFree, wish_of
from tuitrain.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen

    from tuitrain.cli.progress import Progress
    from tuitrain.config.presets import FoundPreset
    from tuitrain.config.schema import Preset
    from tuitrain.messages import Nodes
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import StateRow
    from tuitrain.supervisor.client import RunClient
    from tuitrain.supervisor.launch import LaunchSpec
    from tuitrain.supervisor.worker_process import WorkerProcess

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="$TUITRAIN_DATA or the user's cache",
        file_okay=False,
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="TRACKER",
        help="Log to tensorboard[:DIR], wandb[:PROJECT], mlflow[:EXPERIMENT] or "
        "trackio[:PROJECT] too, as --set log.to=[...] does; may be given again.",
        show_default=False,
    ),
]
Textfile = Annotated[
    Path | None,
    typer.Option(
        "--textfile",
        metavar="DIR",
        help="Keep a file for Prometheus in the folder of node_exporter's textfile collector, as "
        "--set log.textfile=DIR does.",
        exists=True,
        file_okay=False,
        writable=True,
        show_default=False,
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
            help="Change a setting, e.g. --set optimizer.lr=3e-4; may be given again. Several "
            "values, as 1e-4,1e-3, make a sweep.",
            show_default=False,
        ),
    ] = None,
    fold: Annotated[
        str | None,
        typer.Option(
            "--fold",
            metavar="K/N",
            help="Hold out fold K of N, as --set data.fold=K/N does.",
            show_default=False,
        ),
    ] = None,
    ranks: Annotated[
        str | None,
        typer.Option(
            "--ranks",
            metavar="auto|N",
            help="Train on N processes, one a GPU, as --set train.ranks=N does.",
            show_default=False,
        ),
    ] = None,
    nodes: NodesOption = None,
    node_rank: NodeRank = None,
    rendezvous: Rendezvous = None,
    requeue: Requeue = False,
    time_limit: TimeLimit = None,
    name: Name = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Train in the background; print the run's id.")
    ] = False,
    tui: Annotated[
        bool, typer.Option("--tui", help="Train in the background and watch in the interface.")
    ] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the resolved preset and run nothing.")
    ] = False,
    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", help="Decode images as they are needed: data.cache=false."),
    ] = False,
    log: LogTo = None,
    textfile: Textfile = None,
    when_free: WhenFree = False,
    gpus: Gpus = None,
    memory: Memory = None,
    after: After = None,
    slots: SlotsOption = None,
    give_way: GiveWay = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Train a preset without the interface.

    Ctrl-C once saves a checkpoint and ends; twice ends at once. Exit code: 0 finished,
    130 interrupted and 143 terminated (both resumable), 1 failed, 2 wrong usage or preset.
    """
    from tuitrain.config.presets import find_preset

    found = find_preset(preset)
    if found.shadowing:
        output.say(found.shadowing)
    in_background = tui or detach
    machines = cluster.nodes_wanted(nodes, node_rank, rendezvous)
    job = cluster.Job.here(requeue, time_limit, stays=not in_background)
    client = open_client(runs_dir, data_dir)
    first = client.find(after) if after is not None else None
    wish = wish_of(when_free, gpus, memory, first, slots, give_way)
    elsewhere = cluster.is_elsewhere(machines, wish is not None, detach=detach, tui=tui)
    with _Foreground(json) as here:
        if not (in_background or print_config or elsewhere) and wish is None:
            here.start_worker()
        from tuitrain.config.load import to_toml
        from tuitrain.config.user import load_user_config
        from tuitrain.trackers.targets import check_trackers

        given = [*(overrides or ()), *_settings(fold, ranks, no_cache)]
        given += _log_settings(log, textfile)
        alerts = load_user_config().alert_defaults
        if spread := _spread(found, given, alerts):
            if name or tui or print_config or wish is not None:
                raise UsageError(
                    f"--set {spread[0]} lists several values: such a sweep takes only --detach"
                )
            here.end_worker()
            raise typer.Exit(_sweep(found, given, runs_dir, data_dir, detach=detach, json=json))
        resolved = _resolve(found, given, alerts, machines)
        if print_config:
            check_trackers(resolved.log.to)
            output.data(to_toml(resolved).rstrip("\n"))
            return
        folder = found.path.resolve().parent
        if elsewhere is not None:
            raise typer.Exit(cluster.take_part(elsewhere, data_dir, resolved, [folder]))
        check_trackers(resolved.log.to)
        if tui:
            from tuitrain.ui.terminal import check_terminal

            check_terminal()
        launch = cluster.launch_on(machines, job, _start_in_background if in_background else here)
        begun = job.begun(client.root)
        directory = (
            _go_on(client, begun, resolved, folder, launch)
            if begun is not None
            else client.start(resolved, name=name, preset_folder=folder, wish=wish, launch=launch)
        )
    if tui:
        raise typer.Exit(_watch(directory))
    if detach:
        raise typer.Exit(await_start(client, directory, json))
    job.end(here.exit_code)
    raise typer.Exit(here.exit_code)


def _go_on(
    client: "RunClient",
    directory: "RunDirectory",
    preset: "Preset",
    folder: Path,
    launch: cluster.Launch,
) -> "RunDirectory":
    """Resume the run that this command had begun before its job was requeued; return it.

    One that has finished stays as it is.
    """
    from tuitrain.runs.reader import RunReader
    from tuitrain.supervisor.launch import own_code

    with RunReader(directory) as reader:
        if reader.state().state == "finished":
            output.say(f"{directory.id} had finished before this job was requeued")
            return directory
    output.say(f"this job was requeued: {directory.id} goes on")
    # The command line names the preset, so its code may be loaded, from where it lies.
    files = {name: folder / f"{name.partition(':')[0]}.py" for name in own_code(preset)}
    code = {str(file) if file.is_file() else name for name, file in files.items()}
    client.resume(directory, code=sorted(code), launch=launch)
    return directory


def _settings(fold: str | None, ranks: str | None, no_cache: bool) -> list[str]:
    """Return the settings that options of their own stand for."""
    found = [f"data.fold={fold}"] if fold is not None else []
    found += [f"train.ranks={ranks}"] if ranks is not None else []
    return [*found, *(["data.cache=false"] if no_cache else [])]


def _resolve(
    found: "FoundPreset",
    given: "Sequence[str]",
    alerts: "Mapping[str, Any]",
    machines: "Nodes | None",
) -> "Preset":
    """Return the preset as it will be trained.

    Raises:
        PresetError: it is not right, or needs one rank.
    """
    from tuitrain.config.load import load_found

    resolved = load_found(found, given, alerts)
    if machines is not None and resolved.train.ranks == 1:
        # One on each machine are several.
        load_found(found, [*given, "train.ranks=2"], alerts)
    return resolved


def _spread(found: "FoundPreset", given: "Sequence[str]", alerts: "Mapping[str, Any]") -> list[str]:
    """Return the `--set` texts that list several values where the setting itself takes no list."""
    from tuitrain.config.load import load_found
    from tuitrain.errors import PresetError
    from tuitrain.sweeps.space import split_values

    several = [text for text in given if len(split_values(text)) > 1]
    if not several:
        return []
    try:
        load_found(found, given, alerts)
    except PresetError:
        return several
    return []


def _sweep(
    found: "FoundPreset",
    given: "Sequence[str]",
    runs_dir: Path | None,
    data_dir: Path | None,
    *,
    detach: bool,
    json: bool,
) -> int:
    """Run a preset at every combination of the values that `--set` lists; return the exit code."""
    from tuitrain.cli import sweep
    from tuitrain.config.overrides import parse_override
    from tuitrain.sweeps.space import split_values
    from tuitrain.sweeps.start import grid_text

    choices: dict[str, list[Any]] = {}
    for text in given:
        parts = [parse_override(part) for part in split_values(text)]
        if len(parts) > 1:
            choices[".".join(parts[0][0])] = [value for _path, value in parts]
    single = [text for text in given if len(split_values(text)) == 1]
    directory = sweep.make(
        grid_text(choices, {}), f"{found.name}-grid.toml", found, single, runs_dir, data_dir
    )
    return sweep.launch(directory, detach=detach, json=json)


def resume(
    run: RunArgument,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay with the run, as `tuitrain run` does.")
    ] = False,
    code: Code = None,
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
    log: LogTo = None,
    textfile: Textfile = None,
    nodes: NodesOption = None,
    node_rank: NodeRank = None,
    rendezvous: Rendezvous = None,
    requeue: Requeue = False,
    time_limit: TimeLimit = None,
    when_free: WhenFree = False,
    gpus: Gpus = None,
    memory: Memory = None,
    after: After = None,
    slots: SlotsOption = None,
    give_way: GiveWay = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Resume a paused run, or one that ended, from its last checkpoint."""
    from tuitrain.trackers.targets import check_trackers

    machines = cluster.nodes_wanted(nodes, node_rank, rendezvous)
    if machines is not None and machines.rank:
        raise typer.Exit(cluster.take_part(machines, data_dir))
    job = cluster.Job.here(requeue, time_limit, stays=foreground)
    client = open_client(runs_dir, data_dir)
    directory = client.find(run)
    first = client.find(after) if after is not None else None
    wish = wish_of(when_free, gpus, memory, first, slots, give_way)
    here = _Foreground(json)

    def launch(spec: "LaunchSpec") -> "Popen[bytes] | None":
        check_trackers(spec.preset.log.to)
        _tell_changes(spec)
        if not foreground:
            return _start_in_background(spec)
        here(spec)
        return None

    command = client.resume(
        directory,
        checkpoint=_checkpoint_path(directory, checkpoint) if checkpoint else "",
        settings=[*(overrides or ()), *_log_settings(log, textfile)],
        code=code or (),
        wish=wish,
        launch=cluster.launch_on(machines, job, launch),
    )
    if command is not None:
        from tuitrain.messages import Continue

        await_answer(client, directory, command, Continue(), json)
    elif foreground:
        job.end(here.exit_code)
        raise typer.Exit(here.exit_code)
    else:
        raise typer.Exit(await_start(client, directory, json))


def _log_settings(trackers: list[str] | None, textfile: Path | None) -> list[str]:
    """Return the settings that `--log` and `--textfile` stand for, with whole folders."""
    from tuitrain.config.tracking import whole_folder, with_whole_folder
    from tuitrain.config.wording import write_value

    found = []
    if trackers:
        found.append(f"log.to={write_value([with_whole_folder(each) for each in trackers])}")
    if textfile is not None:
        found.append(f"log.textfile={write_value(whole_folder(str(textfile)))}")
    return found


def _tell_changes(spec: "LaunchSpec") -> None:
    """Say what is no longer as it was, and what follows from it."""
    from tuitrain.config.changes import consequences

    changed = {change.key: str(change) for change in spec.changes}
    set_again = {key: f"{key} {value:g}" for key, value in spec.live}
    lines = {**set_again, **changed}
    if lines:
        output.say(f"{spec.directory.id} goes on with other settings:")
        for text in (*lines.values(), *consequences(lines, spec.preset.schedule.name)):
            output.say(f"  {text}")


def _checkpoint_path(directory: "RunDirectory", name: str) -> str:
    """Return the path, relative to the run, of the file that a checkpoint's name leads to."""
    file = (directory.checkpoints / f"{name.removesuffix('.pt')}.pt").resolve()
    if not file.exists():
        there = ", ".join(sorted(path.stem for path in directory.checkpoints.glob("*.pt")))
        raise UsageError(f"{directory.id} has no checkpoint {name!r}; it has: {there or 'none'}")
    return str(file.relative_to(directory.path.resolve()))


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(run)
    app.command()(resume)


# --- where it runs ------------------------------------------------------------------------------


class _Foreground:
    """Supervises a run in this process, and shows it; left as a context, it ends the worker."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._worker: WorkerProcess | None = None
        self.exit_code = 0
        """Of the run, once it is over."""

    def __enter__(self) -> "_Foreground":
        return self

    def __exit__(self, *_: object) -> None:
        self.end_worker()

    def end_worker(self) -> None:
        """End the worker, where one was started."""
        if self._worker is not None:
            self._worker.end()

    def start_worker(self) -> None:
        """Start the worker: it imports torch while this process reads the settings."""
        from tuitrain.supervisor.worker_process import WorkerProcess, interrupts_held

        with interrupts_held():
            # What it writes goes to the run's log once it has its order.
            self._worker = WorkerProcess(Path(os.devnull))

    def __call__(self, spec: "LaunchSpec") -> None:
        """Supervise the run until it is over."""
        from tuitrain.cli.notices import DesktopNotifier
        from tuitrain.cli.progress import ProgressPrinter
        from tuitrain.config.user import load_user_config
        from tuitrain.supervisor.supervisor import Supervisor

        directory = spec.directory
        notify = load_user_config().notify
        printer = ProgressPrinter(_progress(spec, self._json))
        printer.begin()
        observers = [printer, DesktopNotifier(directory.id, notify)]
        # One that could not even start is started again, with the run's log to say why.
        worker = self._worker if self._worker and self._worker.is_alive else None
        self.exit_code = Supervisor(spec, observers, worker).run()
        if self.exit_code == EXIT_FAILED and (why := _why_failed(directory)):
            output.say(why)
        if self.exit_code:
            output.say(f"resume with: tuitrain resume {directory.id}")
        output.say(f"the run is in {directory.path}")


def _why_failed(directory: "RunDirectory") -> str:
    """Return what a failed run tells of its failure; empty where that is not known."""
    from tuitrain.analysis.why_failed import read_failures
    from tuitrain.errors import RecordError
    from tuitrain.runs.reader import RunReader
    from tuitrain.view.failure import failure_block

    try:
        with RunReader(directory) as reader:
            return failure_block(read_failures(reader))
    except RecordError:
        # The supervisor has told of a record that can't be read.
        return ""


def _progress(spec: "LaunchSpec", json: bool) -> "Progress":
    from tuitrain.cli.progress import JsonLines, LiveLine, PlainLines, RunProgress
    from tuitrain.runs.reader import RunReader

    directory, preset = spec.directory, spec.preset
    if json:
        return JsonLines(directory.id, str(directory.path))
    with closing(RunReader(directory)) as reader:
        name = str(reader.meta()["name"])
    progress = RunProgress(
        name, preset.train.epochs, monitor=preset.checkpoint.monitor or "", job=spec.job
    )
    if sys.stdout.isatty():
        return LiveLine(progress)
    # Of several machines: which are waited for.
    return PlainLines(progress, preparations=spec.nodes is not None)


def _watch(directory: "RunDirectory") -> int:
    from tuitrain.cli.interface import open_interface

    return open_interface(directory.path.parent, first=lambda app: app.opener.open_run(directory))


def _start_in_background(spec: "LaunchSpec") -> "Popen[bytes]":
    from tuitrain.supervisor.background import start_in_background

    return start_in_background(spec)


def await_start(client: "RunClient", directory: "RunDirectory", json: bool) -> int:
    """Say what becomes of a run in the background until it runs; return the exit code."""

    def report(state: "StateRow") -> None:
        output.say(f"{directory.id}: {state.state}{f', {state.reason}' if state.reason else ''}")

    state = client.wait_for_start(directory, report)
    if json:
        plain = {"id": directory.id, "state": state.state, "reason": state.reason}
        output.data_json({**plain, "path": str(directory.path)})
    else:
        output.data(directory.id)
    if state.state == "failed" and (why := _why_failed(directory)):
        output.say(why)
    return EXIT_FAILED if state.state == "failed" else 0
