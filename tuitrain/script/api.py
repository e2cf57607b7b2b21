"""`import tuitrain` in a training loop: three calls make it a run that can be watched and steered.

    run = tuitrain.init(config={"lr": 1e-3})
    for batch in loader:
        ...
        run.log({"loss": loss})
        run.step(optimizer)

Within `tuitrain exec` the run is that of the script; without it one is made, with a supervisor in
the background. A call in the loop costs a few microseconds and never waits; what goes wrong is
said once, and the loop goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from tuitrain.script import wire
from tuitrain.script.agent import Agent, agent
from tuitrain.script.attach import start_supervisor
from tuitrain.script.imports import install
from tuitrain.script.ranks import rank_here


class Run:
    """The run of this process.

    Attributes:
        id: of the run; empty where this process is not the one that speaks, as of other ranks.
    """

    def __init__(self, watcher: Agent, run_id: str) -> None:
        self.id = run_id
        self._agent = watcher
        self._stepped = False

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Keep numbers, images, texts and histograms under names.

        Args:
            values: by name: numbers, or arrays and tensors of one number. Of a GPU they are read a
                moment later, so that nothing waits for it. `tuitrain.Image`, `tuitrain.Text` and
                `tuitrain.Histogram`, or a list of them, are kept beside; the newest 64 steps with
                any are. All else is passed over.
            step: where they stand; the run's own step when None. Steps of a name ascend.

        Raises:
            TypeError: the values have no names.
        """
        try:
            self._agent.log(values, step)
        except AttributeError:
            if hasattr(values, "items"):
                raise
            found = type(values).__name__
            raise TypeError(
                f'run.log takes names with values, {{"loss": 0.5}}, not {found}'
            ) from None

    def step(self, optimizer: Any = None) -> None:
        """Say that a step is done: the place where the run is paused and stopped.

        Without any call updates of a torch optimizer count by themselves; from the first call on
        only calls do.

        Args:
            optimizer: whose learning rate can be changed from the terminal.

        Raises:
            tuitrain.Stop: the run is to stop; it is a KeyboardInterrupt.
        """
        if not self._stepped:
            self._stepped = True
            self._agent.points.count_own_steps()
            if optimizer is not None:
                self._agent.commands.optimizer = weakref.ref(optimizer)
        self._agent.step(optimizer)

    def configure(self, config: Any) -> None:
        """Say what the settings are, for tables and comparisons.

        Args:
            config: a mapping, or what argparse returns; in place of what was told before.

        Raises:
            TypeError: it is neither.
        """
        settings, link = _plain(config), self._agent.link
        if link is not None:
            link.send({"type": "Settings", "settings": settings})

    def on_checkpoint(self, save: Callable[[str], Any]) -> Callable[[str], Any]:
        """Have a function called at a step when somebody asks for a checkpoint.

        Args:
            save: is given the checkpoint's name; what it returns, if anything, is the path that
                is shown.

        Returns:
            The function, so that this serves as a decorator.
        """
        self._agent.commands.controls.savers.append(save)
        return save

    def finish(self) -> None:
        """Say that training is over, and send the last; at the end of a script that is done."""
        self._agent.finish()

    def __repr__(self) -> str:
        return f"<tuitrain run {self.id or 'that is not watched'}>"

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._agent.finish(error)


def init(
    config: Any = None, *, name: str | None = None, runs_dir: str | os.PathLike[str] | None = None
) -> Run:
    """Make this process a run, or find the run that it is.

    Args:
        config: the settings, for tables and comparisons: a mapping, or what argparse returns.
        name: what to call the run; not within `tuitrain exec`, which has named it.
        runs_dir: the folder of all runs; else $TUITRAIN_RUNS, else ./runs.

    Returns:
        The run. Where no supervisor can be had that is said once, and every call does nothing.

    Raises:
        TypeError: the settings are no mapping.
    """
    watcher = agent()
    run_id = ""
    if wire.is_supervised():
        folder = wire.run_folder()
        if watcher.is_heard and folder is not None:
            run_id = folder.name
    else:
        if not rank_here()[0]:
            run_id = _attach(watcher, name, None if runs_dir is None else os.fspath(runs_dir))
        # Updates of torch's optimizers are steps here too; what is logged elsewhere is not looked
        # at. The other ranks only say where they are.
        install({"torch": "torch_optimizer:patch_steps"})
    run = Run(watcher, run_id)
    if config is not None:
        run.configure(config)
    return run


def _attach(watcher: Agent, name: str | None, runs_dir: str | None) -> str:
    """Start a supervisor for this process; return the run's id."""
    if watcher.link is not None and not watcher.link.closed:
        watcher.finish()
    watcher.renew()
    try:
        supervised = start_supervisor(name, runs_dir)
    except wire.LinkError as error:
        wire.say(f"this run is not watched: {str(error).rstrip('.')}")
        return ""
    watcher.attach(supervised.pipes, folder=supervised.path, tells_end=True)
    return supervised.id


def _plain(config: Any) -> Any:
    """Return settings as JSON data; what JSON lacks, as its text."""
    found = config if isinstance(config, Mapping) else getattr(config, "__dict__", None)
    if found is None and hasattr(config, "__dataclass_fields__"):
        found = {name: getattr(config, name) for name in config.__dataclass_fields__}
    if found is None:
        kind = type(config).__name__
        raise TypeError(f"config is a mapping, or what argparse returns, not {kind}")
    with contextlib.suppress(ValueError, TypeError):
        return json.loads(json.dumps(dict(found), default=str))
    return {str(key): str(value) for key, value in found.items()}
