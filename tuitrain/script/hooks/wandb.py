"""Weights & Biases: what is given to `log` is seen, online, offline and disabled."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from tuitrain.script.agent import agent, guarded
from tuitrain.script.media import Histogram, Image, Media

_MOST_IN_ONE = 64


def patch(module: Any) -> None:
    """See what is logged.

    Args:
        module: wandb.sdk.wandb_run, just imported.
    """
    _patch_log(module.Run)


def patch_disabled(module: Any) -> None:
    """See what is logged to a run that is disabled, which has a class of its own.

    Args:
        module: wandb.sdk.lib.noop_run, just imported.
    """
    if "log" in vars(module.NoopRun):
        _patch_log(module.NoopRun)


def _patch_log(kind: Any) -> None:
    original = kind.log

    @functools.wraps(original)
    def log(self: Any, data: Any, step: Any = None, *args: Any, **kwargs: Any) -> Any:
        _see(self, data, step)
        return original(self, data, step, *args, **kwargs)

    kind.log = log


@guarded("wandb")
def _see(run: Any, data: Any, step: Any) -> None:
    del run
    watcher = agent()
    watcher.notes.hear("wandb", "wandb")
    values = dict(_flat(data))
    placed = None if step is None else int(step)
    watcher.log(values, placed)
    watcher.log_media(
        [each for name, value in values.items() for each in _media(name, value)], placed
    )


def _media(name: str, value: Any) -> Iterator[tuple[str, Media]]:
    """Yield wandb's own images and histograms as ours."""
    kind = f"{type(value).__module__}.{type(value).__name__}"
    if kind.startswith("wandb.") and kind.endswith(".Image"):
        caption = getattr(value, "_caption", None) or ""
        yield (
            (f"{name}/{caption}" if isinstance(caption, str) and caption else name),
            Image(value.image),
        )
    elif kind.startswith("wandb.") and kind.endswith(".Histogram"):
        yield name, Histogram(counts=value.histogram, edges=value.bins)
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value[:_MOST_IN_ONE]):
            yield from _media(f"{name}/{number}", each)


def _flat(data: Any, prefix: str = "") -> Any:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
