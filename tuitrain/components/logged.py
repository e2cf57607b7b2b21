"""Values that a model or a loss tells beside what it returns: curves of their own.

Outside of training and evaluation nobody listens, and a call does nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

Sink = Callable[[str, Tensor | float], None]
"""Takes a name and a value."""


class _Listening:
    """Who takes what is logged now; None: nobody."""

    sink: Sink | None = None


def log(name: str, value: Tensor | float) -> None:
    """Tell a value of this step, from within a model, a loss or a hook.

    Training shows it as `aux/NAME`, an evaluation its mean over the validation set as
    `val/aux/NAME`. Several values under one name in one batch count as their mean, batches of one
    step by their samples. The device is not waited for.

    Args:
        name: lower-case letters, digits and underscores, in up to three parts joined by `/`.
        value: a number, or a tensor of one number on any device; its gradient is not followed.

    Raises:
        TrainingError: the name or the value is another.
    """
    sink = _Listening.sink
    if sink is not None:
        sink(name, value)


def send_to(sink: Sink | None) -> None:
    """Let what is logged from now on go to `sink`; None: to nobody."""
    _Listening.sink = sink


@contextmanager
def sending_to(sink: Sink | None) -> Iterator[None]:
    """Let what is logged within go to `sink`, and then to whom it went before."""
    before = _Listening.sink
    send_to(sink)
    try:
        yield
    finally:
        send_to(before)
