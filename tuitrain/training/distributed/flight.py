"""Torch's flight recorder of a rank: what it asked NCCL or gloo for last, left when it is wanted.

Written from a thread of its own, as the one that trains may wait in a collective for good.
"""

import os
import pickle
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tuitrain.ranks import flight_path, flight_wanted

_ENTRIES = "512"
"""Collectives that are kept: some ten to some hundred steps; recording one takes microseconds."""
_LOOK_S = 0.5


def record_flight(run_directory: Path, rank: int) -> None:
    """Have the collectives recorded that this process takes part in; before it joins any group.

    Torch writes by itself where NCCL's own watchdog ends a process.
    """
    prefix = str(flight_path(run_directory, rank).with_suffix("")).removesuffix(str(rank))
    for names, value in (
        # The second name of each is that of older versions.
        (("TORCH_FR_BUFFER_SIZE", "TORCH_NCCL_TRACE_BUFFER_SIZE"), _ENTRIES),
        (("TORCH_NCCL_DUMP_ON_TIMEOUT",), "1"),
        (("TORCH_FR_DUMP_TEMP_FILE", "TORCH_NCCL_DEBUG_INFO_TEMP_FILE"), f"{prefix}nccl-"),
    ):
        if not any(name in os.environ for name in names):
            os.environ[names[0]] = value
    thread = threading.Thread(target=_write_when_wanted, args=(run_directory, rank), daemon=True)
    thread.start()


def _write_when_wanted(run_directory: Path, rank: int) -> None:
    written = 0.0
    while True:
        time.sleep(_LOOK_S)
        wanted = flight_wanted(run_directory)
        if wanted > written:
            written = wanted
            with suppress(OSError):
                _write(flight_path(run_directory, rank))


def _write(path: Path) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_bytes(_recorded())
    draft.replace(path)


def _recorded() -> bytes:
    """Return what NCCL's recorder and that of the others hold, as one record."""
    from torch._C import _distributed_c10d as recorders

    whole: dict[str, Any] = {"entries": []}
    for name in ("_dump_nccl_trace", "_dump_fr_trace"):
        if (dump := getattr(recorders, name, None)) is not None:
            # Collectives, without the stacks that each was asked for from, and all of them.
            held = pickle.loads(dump(True, False, False))
            entries = [*whole["entries"], *held.get("entries", ())]
            whole = {**held, **whole, "entries": entries}
    return pickle.dumps(whole)
