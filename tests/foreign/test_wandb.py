"""Weights & Biases' run files: records over blocks' borders, broken files, how a run ended."""

import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.event_writer import message, number
from tests.foreign.logs import Followed, names, plain
from tuitrain.foreign.find import find_logs
from tuitrain.runs.reader import RunReader
from tuitrain.runs.table.details import load_details

_BLOCK_BYTES = 32768


def history(row: dict[str, Any]) -> bytes:
    items = [
        b"".join(message(2, part.encode()) for part in name.split("."))
        + message(16, json.dumps(value).encode())
        for name, value in row.items()
    ]
    return message(2, b"".join(message(1, item) for item in items)) + message(200, b"")


def config(field: int, **values: Any) -> bytes:
    """Settings, in a record of their own (field 5) or in the one that begins a run (17)."""
    items = [
        message(1, name.encode()) + message(16, json.dumps(value).encode())
        for name, value in values.items()
    ]
    update = b"".join(message(1, item) for item in items)
    return message(field, update) if field == 5 else message(field, message(4, update))


def ended(code: int) -> bytes:
    return message(18, b"\x08" + number(code) if code else b"")


def written(*records: bytes) -> bytes:
    """Records as LevelDB's log has them, in pieces of which none lies over a block's border."""
    out = bytearray(b":W&B\xe1\xbe\x00")
    for whole in records:
        record, begun = whole, False
        while True:
            left = _BLOCK_BYTES - len(out) % _BLOCK_BYTES
            if left < 7:
                out += bytes(left)
                continue
            piece, record = record[: left - 7], record[left - 7 :]
            kind = (3 if record else 4) if begun else (2 if record else 1)
            out += struct.pack("<IHB", 0, len(piece), kind) + piece
            begun = True
            if not record:
                break
    return bytes(out)


def row(step: int, **values: Any) -> dict[str, Any]:
    return {"_step": step, "_timestamp": 1.7e9 + step, "_runtime": step, **values}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "wandb" / "run-1"
    folder.mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "files" / "wandb-summary.json").write_text('{"_step": 1, "loss": 2}\n{"_step": 2}\n')
    (tmp_path / "wandb" / "latest-run").symlink_to(folder)
    return folder / "run-1.wandb"


def test_rows_of_any_length_are_read_whole(file: Path, tmp_path: Path) -> None:
    long = "x" * 100_000
    rows = [row(step, loss=1 / (step + 1), note=long, **{"a.b": step}) for step in range(9)]
    rows.append(row(20, odd=math.nan, late=math.inf))
    file.write_bytes(written(*map(history, rows), ended(0)))
    assert names(find_logs(tmp_path)) == [("wandb/run-1", "Weights & Biases")]
    followed = Followed(file, tmp_path / "cache")
    assert followed.read() == {
        "loss": [(step, 1 / (step + 1)) for step in range(9)],
        "a.b": [(step, float(step)) for step in range(9)],
        "odd": plain([(20, math.nan)]),
        "late": [(20, math.inf)],
    }
    with RunReader(followed.record) as reader:
        assert reader.state().state == "finished"
        assert (reader.summary().created, reader.summary().duration_s) == (1.7e9, 20.0)


def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_record_and_then_on(
    file: Path, tmp_path: Path
) -> None:
    whole = written(*(history(row(step, loss=step)) for step in range(3)))
    before = len(written(*(history(row(step, loss=step)) for step in range(2))))
    for cut in range(before, len(whole), 7):
        file.write_bytes(whole[:cut])
        followed = Followed(file, tmp_path / f"cache{cut}")
        assert followed.read() == {"loss": [(0, 0.0), (1, 1.0)]}
        file.write_bytes(whole)
        assert followed.read() == {"loss": [(0, 0.0), (1, 1.0), (2, 2.0)]}


def test_its_config_is_the_run_s_settings(file: Path, tmp_path: Path) -> None:
    records = [config(17, lr=0.1, inner={"depth": 2}, _wandb={}), config(5, lr=0.2, name="a")]
    file.write_bytes(written(*records, history(row(1, loss=1))))
    followed = Followed(file, tmp_path / "cache")
    followed.read()
    wanted = {"lr": 0.2, "inner/depth": 2, "name": "a"}
    assert load_details(followed.record).settings == wanted


def test_a_run_that_failed_says_so(file: Path, tmp_path: Path) -> None:
    file.write_bytes(written(history(row(1, loss=1)), ended(3)))
    followed = Followed(file, tmp_path / "cache")
    followed.read()
    with RunReader(followed.record) as reader:
        assert (reader.state().state, reader.state().reason) == ("failed", "exit code 3")


def test_what_wandb_writes_is_read_back_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed (extra: bench)")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    settings = wandb.Settings(x_disable_stats=True, console="off", silent=True)
    config = {"lr": 0.1, "inner": {"depth": 2}}
    run = wandb.init(mode="offline", dir=str(tmp_path), settings=settings, config=config)
    for step in range(50):
        run.log({"loss": 1 / (step + 1), "odd": math.nan, "text": "a"})
    run.finish()
    (log,) = find_logs(tmp_path)
    followed = Followed(log.path, tmp_path / "cache")
    assert followed.read() == {
        "loss": [(step, 1 / (step + 1)) for step in range(50)],
        "odd": plain([(step, math.nan) for step in range(50)]),
    }
    assert load_details(followed.record).settings == {"lr": 0.1, "inner/depth": 2}
