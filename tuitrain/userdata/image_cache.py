"""Decoded images on the disk: made once by several processes, mapped into memory by every run.

A finished set is a folder of two files: `pixels` (uint8 [n, channels, height, width], nothing
else) and `index.json`. It is made under another name, so that what bears its own name is whole;
what a killed process leaves is gone on with. Knows nothing of classes or parts.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuitrain.errors import DataUnavailableError, FolderError, RunBusyError
from tuitrain.file_lock import FileLock
from tuitrain.units import size
from tuitrain.userdata.image_decode import decode
from tuitrain.userdata.image_files import ImageSet
from tuitrain.userdata.image_format import BrokenImageError, ImageFormat
from tuitrain.userdata.image_worker import (
    BEGUN,
    BROKEN,
    DONE,
    STATE,
    TODO,
    WRITE_FAILED,
    fill,
    note_broken,
    start_worker,
    write_share,
)
from tuitrain.userdata.words import counted, shown

VERSION = 1
"""Of what decoding makes of a file and of how it is kept: another one decodes again."""
_ALONE = 64
"""So few images are decoded here: processes take longer to start."""
_LOOK_S = 0.05
_REPORT_S = 1.0
_SPARE_BYTES = 256 * 1024 * 1024
"""What is left free on the disk."""

_ADVICE = "data.cache = false decodes as it trains"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A set's pixels, mapped into memory, and what could not be read."""

    pixels: np.ndarray
    """uint8 [n, channels, height, width] of the images that are whole, in the set's order."""
    broken: dict[int, str]
    """By the image's place in the set, why it can't be read."""


class ImageCache:
    """All decoded sets in one folder, kept below a size; the one used longest ago goes first."""

    def __init__(self, folder: Path, limit_bytes: float, report: Report) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._report = report

    def refusal(self, images: ImageSet, form: ImageFormat) -> str:
        """Return why a set can't be kept, in words; empty: it can, once older ones are removed.

        Raises:
            FolderError: the cache's folder can't be written.
        """
        key, need = _key(images, form), len(images.files) * form.size_bytes
        if need > self._limit_bytes:
            return f"it takes {size(need)}, more than data.cache_gib allows"
        if (self._folder / key).is_dir():
            return ""
        self._prepare_folder()
        self._make_room(need, keep=key)
        part = self._folder / f"{key}.part"
        free = shutil.disk_usage(self._folder).free + _size_bytes(part)
        if need + _SPARE_BYTES > free:
            wanted = f"{size(need)} and {size(_SPARE_BYTES)} to spare"
            return f"it takes {wanted}, and {size(free)} are free on its disk"
        return ""

    def open(self, images: ImageSet, form: ImageFormat) -> Decoded:
        """Return a set's pixels; where they are not there yet, decode the images first.

        Raises:
            FolderError: the cache's folder can't be written.
        """
        key = _key(images, form)
        self._prepare_folder()
        with self._locked(key):
            folder = self._folder / key
            found = _open(folder, form)
            if found is None:
                shutil.rmtree(folder, ignore_errors=True)
                self._make(self._folder / f"{key}.part", folder, images, form)
                found = _open(folder, form)
        if found is None:
            raise FolderError(f"{folder} can't be read back; remove it and start again.")
        return found

    def _prepare_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError.of(self._folder, error, "can't be written", _ADVICE) from error

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Wait until no other run makes this set, and let none make it meanwhile."""
        lock, told = FileLock(self._folder / f"{key}.lock", wait_s=0.2), False
        while True:
            try:
                lock.acquire()
                break
            except RunBusyError:
                if not told:
                    self._report("waiting for another run that decodes the same images")
                told = True
        try:
            yield
        finally:
            lock.release()

    def _make(self, part: Path, folder: Path, images: ImageSet, form: ImageFormat) -> None:
        paths = [images.path(file) for file in images.files]
        try:
            part.mkdir(exist_ok=True)
            making = _Making(part, paths, form, self._report)
            making.fill()
            making.finish()
            part.rename(folder)
            _sync_folder(folder.parent)
        except OSError as error:
            raise FolderError.of(part, error, "can't be written", _ADVICE) from error

    def _make_room(self, need: int, keep: str) -> None:
        """Remove sets until `need` more fits; one that a run is making or opening stays."""
        sets = [path for path in self._folder.iterdir() if path.is_dir()]
        sizes = {path: _size_bytes(path) for path in sets if path.name.partition(".")[0] != keep}
        total = sum(sizes.values())
        for path in sorted(sizes, key=_used_s):
            if total + need <= self._limit_bytes:
                return
            with suppress(RunBusyError, OSError):
                with FileLock(self._folder / f"{path.name.partition('.')[0]}.lock", wait_s=0.0):
                    shutil.rmtree(path)
                total -= sizes[path]


def _used_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size_bytes(folder: Path) -> int:
    with suppress(OSError):
        return sum(path.stat().st_blocks * 512 for path in folder.iterdir())
    return 0


def _key(images: ImageSet, form: ImageFormat) -> str:
    """Return what stands for a set's files and how they are decoded."""
    settings = [VERSION, form.height, form.width, form.resize, form.channels, form.background]
    digest = hashlib.sha256(json.dumps(settings).encode())
    # Two folders may hold files of equal names, sizes and times: where they lie counts too.
    digest.update(os.fsencode(images.root.resolve()) + b"\0")
    for file in images.files:
        digest.update(os.fsencode(file.name) + b"\0")
        digest.update(f"{file.size_bytes} {file.changed_ns}\n".encode())
    return digest.hexdigest()[:32]


def _open(folder: Path, form: ImageFormat) -> Decoded | None:
    """Map a finished set, and note that it was used; None: there is none that is whole."""
    try:
        index = json.loads((folder / "index.json").read_bytes())
        count = int(index["count"])
        broken = {int(number): str(why) for number, why in index["broken"].items()}
        pixels = folder / "pixels"
        if pixels.stat().st_size != count * form.size_bytes:
            return None
        os.utime(folder)
        if not count:
            return Decoded(np.empty((0, *form.shape), dtype=np.uint8), broken)
        # Copy on write: torch takes no array that can't be written, and none is.
        mapped = np.memmap(pixels, np.uint8, "c", shape=(count, *form.shape))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Decoded(mapped, broken)


# --- making a set -------------------------------------------------------------------------------


class _Making:
    """One set while it is made: `pixels`, `states` (8 bytes an image) and `broken` (JSON lines)."""

    def __init__(self, part: Path, paths: list[str], form: ImageFormat, report: Report) -> None:
        self._part, self._paths, self._form, self._report = part, paths, form, report
        for name, each_bytes in (("pixels", form.size_bytes), ("states", STATE.itemsize)):
            with (part / name).open("ab") as file:
                if file.tell() != len(paths) * each_bytes:
                    file.truncate(len(paths) * each_bytes)
        (part / "broken").touch()
        self._forget_unproven()

    def fill(self) -> None:
        """Decode all images that are not done; a process that dies takes one image with it.

        Raises:
            DataUnavailableError: the processes end without having decoded any.
        """
        todo, before = self._todo(), 0
        while todo:
            if len(todo) == before:
                raise DataUnavailableError(
                    f"{shown(self._paths[todo[0]])} can't be decoded: the process that does it is "
                    "killed or ends by itself each time; free memory, or remove the file"
                )
            before = len(todo)
            self._tell(len(self._paths) - len(todo))
            workers = min(processors(), len(todo) // _ALONE)
            if workers < 1:
                fill(self._part, [(number, self._paths[number]) for number in todo], self._form)
            else:
                self._fill_in_processes(todo, workers)
            todo = self._todo()

    def finish(self) -> None:
        """Close the gaps that broken images leave, and let all reach the disk."""
        reasons = self._reasons()
        states = self._states()["state"]
        if reasons:
            self._close_gaps(np.flatnonzero(states == DONE))
        index = {
            "count": int((states == DONE).sum()),
            "broken": {str(number): reasons[number] for number in sorted(reasons)},
        }
        (self._part / "index.json").write_text(json.dumps(index), encoding="utf-8")
        for name in ("pixels", "index.json"):
            _sync(self._part / name)
        _sync_folder(self._part)
        for name in ("states", "broken", "share.json"):
            (self._part / name).unlink(missing_ok=True)

    def _states(self) -> np.ndarray:
        return np.fromfile(self._part / "states", dtype=STATE)

    def _todo(self) -> list[int]:
        done = np.isin(self._states()["state"], (DONE, BROKEN))
        numbers: list[int] = np.flatnonzero(~done).tolist()
        return numbers

    def _reasons(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for line in (self._part / "broken").read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError):
                number, why = json.loads(line)
                found[int(number)] = str(why)
        broken = np.flatnonzero(self._states()["state"] == BROKEN).tolist()
        return {number: found[number] for number in broken if number in found}

    def _forget_unproven(self) -> None:
        """Let be done again what a killed process, or a machine that lost power, left unclear."""
        states, reasons = self._states(), self._reasons()
        each_bytes = self._form.size_bytes
        with (self._part / "pixels").open("rb") as pixels:
            for number in np.flatnonzero(states["state"] != TODO).tolist():
                state, checksum = states[number].tolist()
                pixels.seek(number * each_bytes)
                whole = state == DONE and zlib.crc32(pixels.read(each_bytes)) == checksum
                if not (whole or (state == BROKEN and number in reasons)):
                    states[number] = (TODO, 0)
        states.tofile(self._part / "states")

    def _fill_in_processes(self, todo: list[int], workers: int) -> None:
        write_share(self._part, [(number, self._paths[number]) for number in todo], self._form)
        processes: list[subprocess.Popen[bytes]] = []
        try:
            processes += [start_worker(self._part, first, workers) for first in range(workers)]
            self._wait(processes)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        for first, process in enumerate(processes):
            self._account_for(process, todo[first::workers])

    def _wait(self, processes: Sequence["subprocess.Popen[bytes]"]) -> None:
        told_s = time.monotonic()
        while any(process.poll() is None for process in processes):
            time.sleep(_LOOK_S)
            if time.monotonic() - told_s >= _REPORT_S:
                told_s = time.monotonic()
                self._tell(len(self._paths) - len(self._todo()))

    def _account_for(self, process: "subprocess.Popen[bytes]", share: list[int]) -> None:
        """Name the image that a process died of.

        Raises:
            OSError: it could not write.
        """
        code = process.returncode or 0
        if code >= WRITE_FAILED:
            raise OSError(code - WRITE_FAILED, os.strerror(code - WRITE_FAILED))
        states = self._states()["state"]
        for number in share:
            # One that was killed was so by another: its image is tried again.
            if code not in (0, -signal.SIGKILL) and states[number] == BEGUN:
                died = signal.strsignal(-code) if code < 0 else f"exit code {code}"
                note_broken(self._part, number, f"ended the process that decoded it: {died}")

    def _close_gaps(self, whole: np.ndarray) -> None:
        each_bytes = self._form.size_bytes
        with (self._part / "pixels").open("rb") as old, (self._part / "closed").open("wb") as new:
            for number in whole.tolist():
                old.seek(number * each_bytes)
                new.write(old.read(each_bytes))
        (self._part / "closed").replace(self._part / "pixels")

    def _tell(self, done: int) -> None:
        self._report(f"decoding images: {done:,} of {counted(len(self._paths), 'image')}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_sync_folder = _sync


def processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def read_broken(images: ImageSet, form: ImageFormat, report: Report) -> dict[int, str]:
    """Read every image once, keep nothing, and return why those that can't be read can't be."""
    from concurrent.futures import ThreadPoolExecutor

    def fault(path: str) -> str:
        try:
            decode(path, form)
        except BrokenImageError as error:
            return str(error)
        return ""

    report(f"reading {counted(len(images.files), 'image')} for broken ones")
    paths = [images.path(file) for file in images.files]
    # Pillow decodes without python's lock; filters of warnings are one for all threads.
    with warnings.catch_warnings(), ThreadPoolExecutor(processors()) as threads:
        warnings.simplefilter("ignore")
        faults = list(threads.map(fault, paths))
    return {number: why for number, why in enumerate(faults) if why}
