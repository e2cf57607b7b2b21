"""Making a sweep, checked in full before anything starts, and starting its driver.

The one way in for the command line and the interface.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from tuitrain.config.load import found_text, parse_preset
from tuitrain.config.schema import Preset
from tuitrain.errors import FolderError, PresetError, TuitrainError, UsageError
from tuitrain.extras import installed
from tuitrain.runs.metrics import metric_mode, monitor_of
from tuitrain.sweeps.directory import SweepDirectory, SweepLaunch, create_sweep
from tuitrain.sweeps.settings import Sweep, parse_sweep
from tuitrain.sweeps.space import overrides_of

if TYPE_CHECKING:
    from tuitrain.config.presets import FoundPreset

_WAIT_S = 20.0


def make_sweep(
    root: Path,
    sweep_text: str,
    source: str,
    found: "FoundPreset",
    *,
    overrides: Sequence[str] = (),
    alerts: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
) -> SweepDirectory:
    """Make a sweep's folder, once all that it names has been checked.

    Args:
        root: the folder of all runs.
        sweep_text: the sweep as TOML.
        source: the file's name, for messages.
        found: the preset.
        overrides: KEY=VALUE texts that hold for every trial.
        alerts: the user's own defaults for `[alerts]`.
        data_dir: where data sets are kept, when not the default.

    Raises:
        PresetError: the sweep or the preset has faults, or a setting can't be as the space says.
        UsageError: Optuna is not installed, or neither is better of the metric's values.
        FolderError: the folder can't be written.
    """
    installed(["optuna"], "sweep", "a sweep")
    name = Path(source).stem
    sweep = parse_sweep(sweep_text, source, name)
    if sweep.settings.sampler == "cmaes":
        installed(["cmaes"], "sweep", "the sampler cmaes")
    text = found_text(found)
    preset = parse_preset(text, str(found.path), overrides, alerts)
    _check_space(sweep, text, source, overrides)
    metric, mode = _what_decides(sweep, preset, source)
    launch = SweepLaunch(
        metric,
        mode,
        (*overrides, *_alert_overrides(alerts or {}, text)),
        str(found.path.resolve().parent),
        str(data_dir.absolute()) if data_dir else "",
    )
    files = {
        "preset.toml": text,
        "launch.json": json.dumps(asdict(launch)),
        # Last: a folder with this file is a sweep.
        "sweep.toml": sweep_text,
    }
    return create_sweep(root, name, files, time.time())


def _alert_overrides(alerts: Mapping[str, Any], text: str) -> list[str]:
    """Return the user's defaults for alerts that the preset leaves open, as KEY=VALUE."""
    import tomllib

    own = tomllib.loads(text).get("alerts", {})
    return overrides_of({f"alerts.{key}": alerts[key] for key in alerts if key not in own})


def _check_space(sweep: Sweep, text: str, source: str, overrides: Sequence[str]) -> None:
    """Hold every end of the space against the preset: a trial must not fail for what is known."""
    for dimension in sweep.space:
        for value in dimension.ends:
            override = overrides_of({dimension.key: value})
            try:
                parse_preset(text, "the preset", [*overrides, *override])
            except TuitrainError as error:
                raise PresetError(
                    f"{source}: sweep.space.{dimension.key}: {override[0]}: {error}"
                ) from error


def _what_decides(sweep: Sweep, preset: Preset, source: str) -> tuple[str, str]:
    settings = sweep.settings
    monitor, mode = monitor_of(preset.model_dump())
    if not settings.metric:
        return monitor, settings.mode or mode
    named = settings.mode or metric_mode(settings.metric)
    if not named:
        raise UsageError(
            f"{source}: sweep.metric: of {settings.metric} neither more nor less is better by its "
            'name: say mode = "min" or "max"'
        )
    return settings.metric, named


def grid_text(choices: Mapping[str, Sequence[Any]], settings: Mapping[str, Any]) -> str:
    """Return a grid over some settings as a sweep's TOML."""
    space = {key: {"choice": list(values)} for key, values in choices.items()}
    return tomli_w.dumps({"sweep": {"sampler": "grid", **settings, "space": space}})


def start_driver(directory: SweepDirectory) -> "subprocess.Popen[bytes]":
    """Start a driver in a session of its own; return once it has the sweep.

    Raises:
        TuitrainError: it ended before it had; the text says why.
        FolderError: its log can't be written.
    """
    path = directory.log_path
    try:
        log = path.open("ab")
    except OSError as error:
        raise FolderError.of(path, error, "can't be written") from error
    with log:
        begun = log.tell()
        process = subprocess.Popen(
            # -P: a file called random.py in the current folder must not be imported.
            [sys.executable, "-P", "-m", "tuitrain.sweeps", str(directory.path.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ,
        )
    deadline = time.monotonic() + _WAIT_S
    while process.poll() is None and not directory.is_live() and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.returncode:
        said = path.read_bytes()[begun:].decode("utf-8", "replace").strip() or "it said nothing"
        raise TuitrainError(f"the driver of {directory.id} ended: {said}")
    return process
