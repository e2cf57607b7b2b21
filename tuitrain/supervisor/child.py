"""What the worker's process calls first.

It is imported by name in the child and by the supervisor, so it names the training package only
inside the function.
"""

import importlib
import os
import signal
from multiprocessing.queues import Queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuitrain.messages import Command, Numbered


def begin_worker(events: "Queue[Numbered]", commands: "Queue[Command]") -> None:
    """Leave the terminal's session, wait for an order, and train.

    The worker leads a process group of its own: Ctrl-C at the terminal reaches the supervisor
    alone, and whatever the worker starts can be ended with it.
    """
    os.setsid()
    # Ignored before it is let through: one that came while it was held is dropped.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    importlib.import_module("tuitrain.training.worker").main(events, commands)
