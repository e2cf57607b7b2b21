"""Decodes a share of a set's images into the files of a cache; a process of its own or a call.

A reader of images that crashes takes this process with it and nothing else. Knows the files of a
set while it is made (`pixels`, `states`, `broken`), nothing of sets or of who waits.
"""

import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tuitrain.userdata.image_decode import decode
from tuitrain.userdata.image_format import BrokenImageError, ImageFormat

TODO, BEGUN, DONE, BROKEN = range(4)
STATE = np.dtype([("state", "<u4"), ("checksum", "<u4")])
"""Of each image in `states`; the checksum is that of its pixels."""
WRITE_FAILED = 100
"""An exit code of this and more is an errno of the disk's."""


def write_share(part: Path, share: Sequence[tuple[int, str]], form: ImageFormat) -> None:
    """Write down what several processes are to decode: (place in the set, path) of each image."""
    plain = {"form": asdict(form), "share": share}
    (part / "share.json").write_text(json.dumps(plain), encoding="ascii")


def start_worker(part: Path, first: int, step: int) -> "subprocess.Popen[bytes]":
    """Start a process that decodes every `step`th image of the share, from the `first` on."""
    package = str(Path(__file__).parents[2])
    search = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, str(part), str(first), str(step), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": search},
    )


def fill(
    part: Path, share: Sequence[tuple[int, str]], form: ImageFormat, parent: int | None = None
) -> None:
    """Decode images; end early where a parent is given and gone.

    Raises:
        OSError: the disk does not take the pixels.
    """
    pixels = os.open(part / "pixels", os.O_WRONLY | os.O_CLOEXEC)
    states = os.open(part / "states", os.O_WRONLY | os.O_CLOEXEC)
    try:
        for place, path in share:
            if parent is not None and os.getppid() != parent:
                return
            _put_state(states, place, BEGUN)
            try:
                data = decode(path, form).tobytes()
            except BrokenImageError as error:
                note_broken(part, place, str(error))
                continue
            _write_at(pixels, data, place * len(data))
            _put_state(states, place, DONE, zlib.crc32(data))
    finally:
        os.close(pixels)
        os.close(states)


def note_broken(part: Path, place: int, why: str) -> None:
    """Note that an image can't be read."""
    with (part / "broken").open("a", encoding="utf-8") as file:
        file.write(json.dumps([place, why]) + "\n")
    with (part / "states").open("r+b") as states:
        _put_state(states.fileno(), place, BROKEN)


def _put_state(states: int, place: int, state: int, checksum: int = 0) -> None:
    _write_at(states, np.array((state, checksum), dtype=STATE).tobytes(), place * STATE.itemsize)


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    # Written, not mapped: a full disk is then an error and not a signal that kills.
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def main(arguments: Sequence[str]) -> int:
    """Decode a share; return 0, or the errno of what the disk refused, above `WRITE_FAILED`."""
    # Signals are for the run's worker, which ends this process itself.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    part, first, step, parent = Path(arguments[0]), *map(int, arguments[1:])
    plain = json.loads((part / "share.json").read_text(encoding="ascii"))
    share = [(int(place), str(path)) for place, path in plain["share"][first::step]]
    try:
        fill(part, share, ImageFormat(**plain["form"]), parent)
    except OSError as error:
        return WRITE_FAILED + (error.errno or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
