"""Event files: what was written is what is read, however it was written, wherever it breaks off."""

import math
import os
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign import event_writer as tb
from tests.foreign.logs import Followed, plain, read_whole
from tuitrain.foreign.tensorboard.batches import parse_block
from tuitrain.foreign.tensorboard.reader import EventReader
from tuitrain.foreign.tensorboard.records import borders, first_damaged, masked_crc
from tuitrain.runs.reader import RunReader


def test_values_of_every_number_format_are_read(tmp_path: Path) -> None:
    packed = tb.message
    values = {
        "simple": tb.simple("simple", 0.5),
        "float_val": tb.tensor("float_val", 1, packed(5, struct.pack("<f", 0.5))),
        "double_val": tb.tensor("double_val", 2, packed(6, struct.pack("<d", 0.1))),
        "content": tb.tensor("content", 1, packed(4, struct.pack("<f", 0.5))),
        "content64": tb.tensor("content64", 2, packed(4, struct.pack("<d", 0.1))),
        "content16": tb.tensor("content16", 19, packed(4, struct.pack("<e", 0.5))),
        "int32": tb.tensor("int32", 3, packed(7, tb.number(-7))),
        "int64": tb.tensor("int64", 9, packed(10, tb.number(300))),
        "int_content": tb.tensor("int_content", 9, packed(4, struct.pack("<q", -300))),
        "bool": tb.tensor("bool", 10, packed(11, b"\x01")),
        "half": tb.tensor("half", 19, packed(13, tb.number(0x3800))),
        "bfloat16": tb.tensor("bfloat16", 14, packed(13, tb.number(0x3F00))),
    }
    wanted = {
        "simple": 0.5, "float_val": 0.5, "double_val": 0.1, "content": 0.5, "content64": 0.1,
        "content16": 0.5, "int32": -7.0, "int64": 300.0, "int_content": -300.0, "bool": 1.0,
        "half": 0.5, "bfloat16": 0.5,
    }  # fmt: skip
    steps = [0, 1, 127, 128, 70_000]
    lines = [tb.record(tb.event(1.7e9 + s, s, each)) for s in steps for each in values.values()]
    tb.write(tmp_path / "log", *lines)
    found = read_whole(tmp_path / "log", tmp_path)
    assert found == {name: [(step, value) for step in steps] for name, value in wanted.items()}


def test_images_texts_and_vectors_are_no_curves(tmp_path: Path) -> None:
    image = tb.message(1, b"image") + tb.message(4, b"\x08\x03\x10\x03")
    text = tb.tensor("text", 7, tb.message(8, b"hello"), "text")
    vector = tb.tensor("vector", 1, tb.message(4, struct.pack("<ff", 1, 2)))
    other = tb.tensor("hparams", 1, tb.message(5, struct.pack("<f", 1)), "hparams")
    odd = [tb.record(tb.event(1.0, 3, each)) for each in (image, text, vector, other)]
    tb.write(tmp_path / "log", *odd, tb.scalar(4, "loss", 1.0))
    assert read_whole(tmp_path / "log", tmp_path) == {"loss": [(4, 1.0)]}


def test_several_values_in_one_event_and_numbers_that_are_not_finite(tmp_path: Path) -> None:
    odd = [math.nan, math.inf, -math.inf, 0.25]
    lines = [
        tb.record(tb.event(1.0 + step, step, tb.simple("a", odd[step]), tb.simple("b", -step)))
        for step in range(4)
    ]
    tb.write(tmp_path / "log", *lines)
    assert read_whole(tmp_path / "log", tmp_path) == {
        "a": plain(list(enumerate(odd))),
        "b": [(step, float(-step)) for step in range(4)],
    }


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "loss/train"]), st.integers(0, 2**40))))
def test_a_block_in_columns_equals_its_records_one_by_one(logged: list[tuple[str, int]]) -> None:
    values = [random.Random(number).random() for number in range(len(logged))]
    block = b"".join(
        tb.record(tb.event(1.0, step, tb.simple(tag, value)))
        for (tag, step), value in zip(logged, values, strict=True)
    )
    begins, lengths, end = borders(block)
    assert end == len(block)
    assert first_damaged(block, begins) == len(logged)
    columns = parse_block(block, begins, lengths).columns
    for tag in {tag for tag, _step in logged}:
        mine = [number for number, (name, _step) in enumerate(logged) if name == tag]
        assert columns[tag].order.tolist() == mine
        assert columns[tag].steps.tolist() == [logged[number][1] for number in mine]
        assert columns[tag].values.tolist() == pytest.approx([values[n] for n in mine])


def test_the_checksum_is_that_of_the_format() -> None:
    # CRC32C of "123456789" is 0xE3069283 (RFC 3720's polynomial), masked as TFRecord does.
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_file_cut_at_any_byte_of_its_last_record_is_read_up_to_it_and_then_on(
    tmp_path: Path,
) -> None:
    last = tb.scalar(2, "loss", 2.0)
    path = tb.write(tmp_path / "log", tb.scalar(1, "loss", 1.0), last)
    whole = path.read_bytes()
    before = len(whole) - len(last)
    reader = EventReader(tmp_path / "log")
    for cut in range(before, len(whole)):
        path.write_bytes(whole[:cut])
        first = reader.read({})
        assert [list(each.steps) for each in first.changes] == [[1]]  # type: ignore[union-attr]
        assert not first.told
        assert reader.read(first.position or {}).position is None
        path.write_bytes(whole)
        rest = reader.read(first.position or {})
        assert [list(each.steps) for each in rest.changes] == [[2]]  # type: ignore[union-attr]


def test_a_growing_file_is_read_on_without_reading_anything_twice(tmp_path: Path) -> None:
    path = tb.write(tmp_path / "log")
    followed = Followed(tmp_path / "log", tmp_path)
    assert followed.read() == {}
    with path.open("ab") as file:
        for step in range(1, 40):
            line = tb.scalar(step, "loss", step)
            file.write(line[:11])
            file.flush()
            followed.read()
            file.write(line[11:])
            file.flush()
            assert followed.read() == {"loss": [(s, float(s)) for s in range(1, step + 1)]}


def test_of_a_restart_in_a_new_file_the_newer_values_count_from_its_first_step(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    old = [tb.scalar(step, "loss", 1.0) for step in range(10)]
    path = tb.write(log, *old, tb.scalar(9, "only/old", 5.0))
    followed = Followed(log, tmp_path)
    followed.read()
    tb.write(log, tb.scalar(6, "loss", 2.0), tb.scalar(7, "loss", 2.0), second=1_700_000_100)
    wanted = [*((step, 1.0) for step in range(6)), (6, 2.0), (7, 2.0)]
    assert followed.read() == {"loss": wanted, "only/old": [(9, 5.0)]}
    with path.open("ab") as file:
        file.write(tb.scalar(11, "loss", 1.0))
    assert followed.read()["loss"] == wanted
    assert read_whole(log, tmp_path / "anew") == {"loss": wanted, "only/old": [(9, 5.0)]}


def test_a_purge_step_takes_back_every_tag_from_there(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tb.write(log, *(tb.scalar(step, tag, 1.0) for step in range(10) for tag in ("a", "b")))
    tb.write(log, tb.restart(4), tb.scalar(4, "a", 2.0), second=1_700_000_100)
    found = read_whole(log, tmp_path)
    assert found["a"] == [*((step, 1.0) for step in range(4)), (4, 2.0)]
    assert found["b"] == [(step, 1.0) for step in range(4)]


def test_damage_is_told_once_with_its_place_and_what_comes_before_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = tb.write(log, tb.scalar(1, "loss", 1.0))
    at = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\x07" * 40 + tb.scalar(2, "loss", 2.0))
    followed = Followed(log, tmp_path)
    assert followed.read() == {"loss": [(1, 1.0)]}
    followed.read()
    with RunReader(followed.record) as reader:
        (alert,) = reader.entries.alerts()
    assert f"{path.name} is damaged at byte {at}" in alert.text


def test_a_file_written_anew_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tb.write(log, *(tb.scalar(step, "loss", 1.0) for step in range(9)))
    followed = Followed(log, tmp_path)
    followed.read()
    tb.write(log, tb.scalar(1, "loss", 3.0))
    assert followed.read() == {"loss": [(1, 3.0)]}


def test_a_log_that_is_gone_leaves_what_was_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = tb.write(log, tb.scalar(1, "loss", 1.0))
    followed = Followed(log, tmp_path)
    followed.read()
    path.unlink()
    log.rmdir()
    assert followed.read() == {"loss": [(1, 1.0)]}
    with RunReader(followed.record) as reader:
        assert "can't be read" in reader.state().reason


def test_what_torch_writes_is_read_back_equal(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed (extra: bench)")
    from torch.utils.tensorboard import SummaryWriter

    values = [math.sin(step / 7) for step in range(300)]
    with SummaryWriter(str(tmp_path / "log")) as writer:
        for step, value in enumerate(values):
            writer.add_scalar("old", value, step)
            writer.add_scalar("new", value, step, new_style=True)
            writer.add_scalar("double", value, step, new_style=True, double_precision=True)
            writer.add_text("text", "a text", step)
            writer.add_scalar("odd", [math.nan, math.inf][step % 2], step)
    found = read_whole(tmp_path / "log", tmp_path)
    single = [struct.unpack("<f", struct.pack("<f", value))[0] for value in values]
    assert found["old"] == found["new"] == list(enumerate(single))
    assert found["double"] == list(enumerate(values))
    assert found["odd"] == plain([(s, [math.nan, math.inf][s % 2]) for s in range(300)])
    assert set(found) == {"old", "new", "double", "odd"}


def test_times_and_epochs_come_from_the_log(tmp_path: Path) -> None:
    lines = [
        tb.record(tb.event(1.7e9 + 2 * step, step, tb.simple("epoch", step / 10)))
        for step in range(101)
    ]
    path = tb.write(tmp_path / "log", *lines)
    os.utime(path, (1.8e9, 1.8e9))
    followed = Followed(tmp_path / "log", tmp_path)
    followed.read()
    with RunReader(followed.record) as reader:
        summary = reader.summary()
        middle = reader.steps.progress_at(50)
    assert (summary.created, summary.step, summary.epoch) == (1.7e9, 100, pytest.approx(10.0))
    assert summary.duration_s == 200.0
    assert middle is not None
    assert (middle.time, middle.epoch) == (pytest.approx(1.7e9 + 100), pytest.approx(5.0))


def test_points_without_a_step_are_numbered_and_none_is_lost(tmp_path: Path) -> None:
    path = tb.write(tmp_path / "log", tb.scalar(0, "none", 1.0), tb.scalar(0, "some", 1.0))
    followed = Followed(tmp_path / "log", tmp_path)
    followed.read()
    with path.open("ab") as file:
        file.write(b"".join(tb.scalar(0, "none", value) for value in (2.0, 3.0)))
        file.write(b"".join(tb.scalar(step, "some", 2.0) for step in (50, 0)))
    assert followed.read() == {
        "none": [(0, 1.0), (1, 2.0), (2, 3.0)],
        "some": [(0, 2.0), (50, 2.0)],
    }
