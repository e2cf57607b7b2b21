"""Serves a run's model as a page, for as long as somebody waits for this process.

The border between a question in JSON and the page.
"""

import threading
from pathlib import Path
from typing import Any, NoReturn

from tuitrain.training.demonstrating.answering import Demonstration
from tuitrain.training.demonstrating.page import build_page, gradio, serve
from tuitrain.training.evaluating.restore import restored
from tuitrain.training.inspection.answers import Inspected


def demonstrate(
    inspected: Inspected,
    *,
    checkpoint: str,
    averaged: bool,
    title: str,
    host: str,
    port: int | None,
    folder: str,
) -> dict[str, Any]:
    """Serve a page, tell its address as the last of the progress, and never return.

    Args:
        inspected: the run's preset.
        checkpoint: the file of the weights.
        averaged: take the weights that a hook averaged.
        title: of the page.
        host: which of the machine's addresses is listened to.
        port: None: the first free one from 7860 on.
        folder: where files that are sent to the page lie.

    Raises:
        TuitrainError: there is no page for the run, or the port is taken.
    """
    inspected.report("importing gradio")
    gr = gradio(folder)
    with restored(inspected, Path(checkpoint), averaged) as model:
        demonstration = Demonstration(model.components)
        page = build_page(gr, demonstration, f"{title}, step {model.step:,}")
        inspected.report(serve(gr, page, host, port))
        _wait()


def _wait() -> NoReturn:
    while True:
        threading.Event().wait()
