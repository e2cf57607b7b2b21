"""TensorBoard, by torch's writer or tensorboardX: what is written as a scalar is seen."""

from __future__ import annotations

import functools
from typing import Any

from tuitrain.script.agent import agent, guarded


def patch(module: Any) -> None:
    """See scalars.

    Args:
        module: torch.utils.tensorboard.writer or tensorboardX.writer, just imported.
    """
    writer = module.SummaryWriter
    _see(writer, "add_scalar", _scalar)
    _see(writer, "add_scalars", _scalars)


def _see(writer: Any, name: str, see: Any) -> None:
    original = getattr(writer, name)
    seen = guarded("TensorBoard")(see)

    @functools.wraps(original)
    def call(
        self: Any, tag: Any, value: Any, global_step: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        seen(tag, value, global_step)
        return original(self, tag, value, global_step, *args, **kwargs)

    setattr(writer, name, call)


def _scalar(tag: Any, value: Any, global_step: Any) -> None:
    watcher = agent()
    watcher.hear("tensorboard", "TensorBoard")
    watcher.log({str(tag): value}, None if global_step is None else int(global_step))


def _scalars(tag: Any, values: Any, global_step: Any) -> None:
    named = {f"{tag}/{name}": value for name, value in values.items()}
    watcher = agent()
    watcher.hear("tensorboard", "TensorBoard")
    watcher.log(named, None if global_step is None else int(global_step))
