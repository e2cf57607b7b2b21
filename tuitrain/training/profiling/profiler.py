"""Profiles of the running run, one at a time, each by command.

It says what becomes of them in messages; what a trace says is read by `tuitrain.traces`, elsewhere.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tuitrain.messages import CommandDone, Event, Profile, ProfileFacts, ProfileWritten
from tuitrain.tracing.profiler import MOST_TRACE_BYTES, StepProfiler
from tuitrain.tracing.recording import modules_named
from tuitrain.training.build import TrainingComponents


def roots_of(components: TrainingComponents) -> dict[str, Any]:
    """Return the parts whose modules a profile tells apart, by what they are called."""
    # Inside a compiled model hooks don't fire.
    compiled = components.preset.train.compile
    return {"loss": components.loss, **({} if compiled else {"model": components.model})}


class Profiler(StepProfiler):
    """Takes one profile at a time of a trainer's steps."""

    def __init__(
        self,
        roots: Mapping[str, Any],
        device: torch.device,
        folder: Path,
        send: Callable[[Event], None],
        most_bytes: int = MOST_TRACE_BYTES,
    ) -> None:
        """Take profiles.

        Args:
            roots: the modules whose parts are told apart, by what they are called.
            device: what they run on.
            folder: gets a folder for each profile.
            send: is given what became of a profile.
            most_bytes: a trace is not to be larger.
        """
        # A user's loss may be a plain function, which has no parts.
        modules = {name: root for name, root in roots.items() if isinstance(root, nn.Module)}
        super().__init__(
            partial(modules_named, modules),
            device,
            folder,
            partial(_answer, send),
            partial(_say_written, send),
            most_bytes,
        )


def _answer(
    send: Callable[[Event], None],
    order: Profile,
    outcome: Literal["done", "refused"],
    text: str,
    step: int,
) -> None:
    send(CommandDone(time.time(), order.command_id, outcome, text, step))


def _say_written(
    send: Callable[[Event], None], order: Profile, first: int, last: int, facts: Mapping[str, Any]
) -> None:
    written = ProfileFacts(**facts)
    send(ProfileWritten(time.time(), order.command_id, order.name, first, last, written))
