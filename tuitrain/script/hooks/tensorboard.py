"""TensorBoard, by torch's writer or tensorboardX: scalars, images, texts and histograms."""

from __future__ import annotations

import functools
from typing import Any

from tuitrain.script.agent import Agent, agent, guarded
from tuitrain.script.media import Histogram, Image, Text, images_of


def patch(module: Any) -> None:
    """See what is written.

    Args:
        module: torch.utils.tensorboard.writer or tensorboardX.writer, just imported.
    """
    writer = module.SummaryWriter
    _see(writer, "add_scalar", _scalar)
    _see(writer, "add_scalars", _scalars)
    _see(writer, "add_image", _image)
    _see(writer, "add_images", _images)
    _see(writer, "add_text", _text)
    _see(writer, "add_histogram", _histogram)


def _see(writer: Any, name: str, see: Any) -> None:
    original = getattr(writer, name)
    seen = guarded("TensorBoard")(see)

    @functools.wraps(original)
    def call(
        self: Any, tag: Any, value: Any, global_step: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        seen(tag, value, global_step, kwargs)
        return original(self, tag, value, global_step, *args, **kwargs)

    setattr(writer, name, call)


def _scalar(tag: Any, value: Any, global_step: Any, _given: Any) -> None:
    _watcher().log({str(tag): value}, _step(global_step))


def _scalars(tag: Any, values: Any, global_step: Any, _given: Any) -> None:
    named = {f"{tag}/{name}": value for name, value in values.items()}
    _watcher().log(named, _step(global_step))


def _image(tag: Any, image: Any, global_step: Any, given: Any) -> None:
    shown = Image(image, layout=str(given.get("dataformats", "CHW")))
    _watcher().log_media([(str(tag), shown)], _step(global_step))


def _images(tag: Any, batch: Any, global_step: Any, given: Any) -> None:
    layout = str(given.get("dataformats", "NCHW")).upper()
    if layout[:1] == "N":
        shown = enumerate(images_of(batch, layout[1:]))
        _watcher().log_media([(f"{tag}/{n}", each) for n, each in shown], _step(global_step))


def _text(tag: Any, text: Any, global_step: Any, _given: Any) -> None:
    _watcher().log_media([(str(tag), Text(text))], _step(global_step))


def _histogram(tag: Any, values: Any, global_step: Any, _given: Any) -> None:
    _watcher().log_media([(str(tag), Histogram(values))], _step(global_step))


def _watcher() -> Agent:
    watcher = agent()
    watcher.notes.hear("tensorboard", "TensorBoard")
    return watcher


def _step(global_step: Any) -> int | None:
    return None if global_step is None else int(global_step)
