"""Watching: a million points of a TensorBoard event file, from the start of the reading process.

The file is made here, byte by byte, with valid checksums.
"""

import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from report import Row, Table, table

from tuitrain.foreign.cache import record_of, view_of
from tuitrain.foreign.find import find_logs
from tuitrain.foreign.tensorboard.records import crc_table, masked_crc
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader

_TAGS = 10
_LIMIT_S = 120.0
_FIRST_S, _WHOLE_S, _MEMORY_MB, _AGAIN_S = 0.3, 2.0, 150.0, 0.5


@dataclass(frozen=True, slots=True)
class _Read:
    first_s: float
    whole_s: float
    cpu_s: float
    peak_mb: float


def measure(folder: Path, quick: bool) -> list[Table]:
    """Let a process read a file that nobody read yet, and then one that was read."""
    points = 100_000 if quick else 1_000_000
    log = folder / "log"
    log.mkdir(parents=True)
    write_events(log / "events.out.tfevents.1700000000.host.1.0", points // _TAGS)
    fresh = [_read(log, folder / f"cache{number}", points) for number in range(1 if quick else 3)]
    best = min(fresh, key=lambda each: each.whole_s)
    first_s = min(each.first_s for each in fresh)
    again = _read(log, folder / "cache0", points)
    rows = [
        Row("first curves on record", f"{first_s:.2f} s", f"{_FIRST_S} s", first_s <= _FIRST_S),
        Row(
            f"all {points:,} points", f"{best.whole_s:.2f} s", f"{_WHOLE_S} s",
            best.whole_s <= _WHOLE_S,
        ),
        Row("CPU time", f"{best.cpu_s:.2f} s"),
        Row(
            "peak memory", f"{best.peak_mb:.0f} MB", f"{_MEMORY_MB:.0f} MB",
            best.peak_mb <= _MEMORY_MB,
        ),
        Row(
            "all points of a log that was read before", f"{again.first_s:.2f} s", f"{_AGAIN_S} s",
            again.first_s <= _AGAIN_S,
        ),
    ]  # fmt: skip
    size_mb = sum(path.stat().st_size for path in log.iterdir()) / 1e6
    note = f"{_TAGS} tags, {size_mb:.0f} MB; from the start of the process that reads."
    return [table("Watch: a TensorBoard log", rows, note)]


def write_events(path: Path, steps: int) -> None:
    """Write scalars of ten tags at so many steps, as torch's SummaryWriter does."""
    head = b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2"
    with path.open("wb") as file:
        file.write(_framed(np.frombuffer(head, dtype=np.uint8)[None, :]).tobytes())
        for low, high in ((1, 128), (128, 16_384), (16_384, 2_097_152)):
            for begin in range(low, min(high, steps + 1), 20_000):
                part = np.arange(begin, min(begin + 20_000, high, steps + 1))
                file.write(np.hstack([_records(part, tag) for tag in range(_TAGS)]).tobytes())


def _records(steps: "np.ndarray", tag: int) -> "np.ndarray":
    """Return a record a step as bytes [steps, bytes]; their steps take as many bytes."""
    name = f"train/metric{tag}".encode()
    size = (int(steps[0]).bit_length() + 6) // 7
    value = b"\x0a" + bytes([len(name)]) + name + b"\x15\0\0\0\0"
    summary = b"\x0a" + bytes([len(value)]) + value
    form = b"\x09" + bytes(8) + b"\x10" + bytes(size) + b"\x2a" + bytes([len(summary)]) + summary
    data = np.tile(np.frombuffer(form, dtype=np.uint8), (len(steps), 1))
    data[:, 1:9] = (1.7e9 + steps * 0.01).astype("<f8").view(np.uint8).reshape(-1, 8)
    for byte in range(size):
        more = 0x80 if byte < size - 1 else 0
        data[:, 10 + byte] = (steps >> (7 * byte)) & 0x7F | more
    data[:, -4:] = (2 / (1 + steps * 0.001) + tag).astype("<f4").view(np.uint8).reshape(-1, 4)
    return _framed(data)


def _framed(data: "np.ndarray") -> "np.ndarray":
    """Put length and checksums around each row."""
    length = struct.pack("<Q", data.shape[1])
    head = np.frombuffer(length + struct.pack("<I", masked_crc(length)), dtype=np.uint8)
    lookup = crc_table()
    crc = np.full(len(data), 0xFFFFFFFF, dtype=np.uint32)
    for column in range(data.shape[1]):
        crc = lookup[(crc ^ data[:, column]) & 0xFF] ^ (crc >> np.uint32(8))
    crc ^= np.uint32(0xFFFFFFFF)
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)
    tail = masked.astype("<u4").view(np.uint8).reshape(-1, 4)
    return np.hstack([np.tile(head, (len(data), 1)), data, tail])


def _read(log: Path, cache: Path, points: int) -> _Read:
    """Start the process that reads; return when the first points and when all are on record."""
    (found,) = find_logs(log)
    record = record_of(cache, found)
    command = [sys.executable, "-m", "tuitrain.foreign", cache, view_of(cache, [log]), log]
    started = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE)
    first_s = _wait(record, 1, started)
    whole_s = _wait(record, points // _TAGS, started)
    status = Path(f"/proc/{process.pid}/status")
    peak_kb = 0.0
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        peak_kb = float(lines["VmHWM"].split()[0])
    fields = Path(f"/proc/{process.pid}/stat")
    ticks = fields.read_text().rpartition(")")[2].split() if fields.exists() else []
    cpu_s = (int(ticks[11]) + int(ticks[12])) / 100 if ticks else float("nan")
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
    return _Read(first_s, whole_s, cpu_s, peak_kb / 1024)


def _wait(record: RunDirectory, step: int, started: float) -> float:
    """Return when every tag has come to a step."""
    while time.perf_counter() - started < _LIMIT_S:
        if record.database_path.exists():
            with RunReader(record) as reader:
                names = reader.curves.metric_names()
                if len(names) == _TAGS and reader.curves.last_step(names[-1]) >= step:
                    return time.perf_counter() - started
        time.sleep(0.005)
    raise TimeoutError(f"{record.path}: step {step} was not read within {_LIMIT_S:g} s")
