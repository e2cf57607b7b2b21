"""Weights & Biases: numbers given to `log` are seen, online and offline."""

from __future__ import annotations

import functools
from typing import Any

from tuitrain.script.agent import agent, guarded


def patch(module: Any) -> None:
    """See what is logged.

    Args:
        module: wandb.sdk.wandb_run, just imported.
    """
    original = module.Run.log

    @functools.wraps(original)
    def log(self: Any, data: Any, step: Any = None, *args: Any, **kwargs: Any) -> Any:
        _see(self, data, step)
        return original(self, data, step, *args, **kwargs)

    module.Run.log = log


@guarded("wandb")
def _see(run: Any, data: Any, step: Any) -> None:
    del run
    watcher = agent()
    watcher.hear("wandb", "wandb")
    watcher.log(dict(_flat(data)), None if step is None else int(step))


def _flat(data: Any, prefix: str = "") -> Any:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
