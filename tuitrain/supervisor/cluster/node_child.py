"""What the agent's process on a machine other than node 0 calls first.

It is imported by name in the child, so it names the training package only inside the function.
"""

import importlib
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuitrain.messages import Nodes


def begin_node(
    nodes: "Nodes",
    data_directory: str,
    code_folders: Sequence[str],
    named: str,
    answers: Connection,
) -> None:
    """Leave the terminal's session, and take part in a run; see `training.distributed.node`."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Torch warns of each machine whose address has no name.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    node = importlib.import_module("tuitrain.training.distributed.node")
    node.main(nodes, data_directory, code_folders, named, answers)
