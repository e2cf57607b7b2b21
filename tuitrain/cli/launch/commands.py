"""`tuitrain run` and `tuitrain resume`: start training, here or in the background.

Knows how a run is begun, not how it is supervised.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.control import await_answer, open_client
from tuitrain.cli.hosts import OneHost
from tuitrain.cli.launch import cluster
from tuitrain.cli.launch.cluster import NodeRank, NodesOption, Rendezvous, Requeue, TimeLimit
from tuitrain.cli.launch.foreground import Foreground, await_start, start_in_background, watch
from tuitrain.cli.launch.grid import spread_of, start_grid
from tuitrain.cli.launch.options import (
    Changes,
    DataDir,
    Detach,
    Fold,
    From,
    JsonLines,
    LogTo,
    NoCache,
    Overrides,
    PrintConfig,
    Ranks,
    Stay,
    Textfile,
    Tui,
)
from tuitrain.cli.launch.queue import After, GiveWay, Gpus, Memory, SlotsOption, WhenFree, wish_of
from tuitrain.cli.options import Code, Json, Name, PresetArgument, RunArgument, RunsDir
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen

    from tuitrain.config.presets import FoundPreset
    from tuitrain.config.schema import Preset
    from tuitrain.messages import Nodes
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.client import RunClient
    from tuitrain.supervisor.launch import LaunchSpec


def run(
    preset: PresetArgument,
    overrides: Overrides = None,
    fold: Fold = None,
    ranks: Ranks = None,
    nodes: NodesOption = None,
    node_rank: NodeRank = None,
    rendezvous: Rendezvous = None,
    requeue: Requeue = False,
    time_limit: TimeLimit = None,
    name: Name = None,
    detach: Detach = False,
    tui: Tui = False,
    print_config: PrintConfig = False,
    no_cache: NoCache = False,
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
    json: JsonLines = False,
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
    with Foreground(json) as here:
        if not (in_background or print_config or elsewhere) and wish is None:
            here.start_worker()
        from tuitrain.config.load import to_toml
        from tuitrain.config.user import load_user_config
        from tuitrain.trackers.targets import check_trackers

        given = [*(overrides or ()), *_settings(fold, ranks, no_cache)]
        given += _log_settings(log, textfile)
        alerts = load_user_config().alert_defaults
        if spread := spread_of(found, given, alerts):
            refused = {
                "--name": name, "--tui": tui, "--print-config": print_config, "--when-free": wish,
            }  # fmt: skip
            if wrong := [option for option, given_one in refused.items() if given_one]:
                raise UsageError(
                    f"--set {spread[0]} lists several values, which is a sweep: without "
                    f"{', '.join(wrong)}; it takes --set and --detach"
                )
            here.end_worker()
            raise typer.Exit(start_grid(found, given, runs_dir, data_dir, detach=detach, json=json))
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
        launch = cluster.launch_on(machines, job, start_in_background if in_background else here)
        begun = job.begun(client.root)
        directory = (
            _go_on(client, begun, resolved, folder, launch)
            if begun is not None
            else client.start(resolved, name=name, preset_folder=folder, wish=wish, launch=launch)
        )
    if tui:
        watch(directory)
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


def resume(
    run: RunArgument,
    foreground: Stay = False,
    code: Code = None,
    checkpoint: From = "",
    overrides: Changes = None,
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
    host: OneHost = "",
    json: Json = False,
) -> None:
    """Resume a paused run, or one that ended, from its last checkpoint."""
    from tuitrain.trackers.targets import check_trackers

    if host:
        from tuitrain.cli.hosts import resume_there

        _refuse_on_host({
            "--foreground": foreground, "--code": code, "--log": log, "--textfile": textfile,
            "--nodes": nodes, "--node-rank": node_rank, "--rendezvous": rendezvous,
            "--requeue": requeue, "--time-limit": time_limit, "--when-free": when_free,
            "--gpus": gpus, "--memory": memory, "--after": after, "--slots": slots,
            "--give-way": give_way, "--runs-dir": runs_dir, "--data-dir": data_dir,
        })  # fmt: skip
        raise typer.Exit(resume_there(run, host, checkpoint, overrides or (), json))
    machines = cluster.nodes_wanted(nodes, node_rank, rendezvous)
    if machines is not None and machines.rank:
        raise typer.Exit(cluster.take_part(machines, data_dir))
    job = cluster.Job.here(requeue, time_limit, stays=foreground)
    client = open_client(runs_dir, data_dir)
    directory = client.find(run)
    first = client.find(after) if after is not None else None
    wish = wish_of(when_free, gpus, memory, first, slots, give_way)
    here = Foreground(json)

    def launch(spec: "LaunchSpec") -> "Popen[bytes] | None":
        check_trackers(spec.preset.log.to)
        _tell_changes(spec)
        if not foreground:
            return start_in_background(spec)
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


def _refuse_on_host(given: "Mapping[str, object]") -> None:
    """Refuse options that a run of another machine can't be resumed with.

    Raises:
        UsageError: one of them is given.
    """
    if wrong := [name for name, value in given.items() if value not in (None, False, [])]:
        raise UsageError(
            f"{wrong[0]} has no meaning with --host: there a run goes on as it was, with --from "
            "and --set alone; `ssh HOST tuitrain resume RUN` takes all options."
        )


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
