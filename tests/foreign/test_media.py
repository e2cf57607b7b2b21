"""Images, texts, histograms and hyper-parameters of event files: what is written is shown."""

import io
import json
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from tests.foreign import event_writer as tb
from tests.foreign.logs import Followed
from tuitrain.runs.reader import RunReader
from tuitrain.runs.samples import read_samples, sampled_steps
from tuitrain.view.images.png import from_png

TORCH = """
import sys, numpy, torch
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter(sys.argv[1])
for step in (0, 7):
    writer.add_scalar("loss", 1.0, step)
    writer.add_text("says", f"step {step} \\x1b[2J", step)
    picture = numpy.zeros((3, 4, 5), dtype=numpy.uint8)
    picture[0, 1, 2] = 255
    writer.add_image("picture", torch.from_numpy(picture), step)
    writer.add_histogram("weights", torch.linspace(-1, 1, 1000), step)
writer.add_hparams({"lr": 0.1, "layers": 3, "act": "relu", "bias": True}, {"best": 1.0},
                   run_name=".")
writer.close()
"""


def image_value(tag: str, data: bytes) -> bytes:
    return tb.message(1, tag.encode()) + tb.message(4, b"\x08\x02\x10\x02" + tb.message(4, data))


def text_tensor(tag: str, plugin: str, *strings: bytes) -> bytes:
    body = b"\x08\x07" + b"".join(tb.message(8, each) for each in strings)
    metadata = tb.message(9, tb.message(1, tb.message(1, plugin.encode())))
    return tb.message(1, tag.encode()) + tb.message(8, body) + metadata


def picture(form: str) -> bytes:
    made, file = Image.new("RGBA", (2, 2), (255, 0, 0, 255)), io.BytesIO()
    (made if form == "PNG" else made.convert("RGB")).save(file, form)
    return file.getvalue()


def test_images_and_texts_are_kept_by_step_and_given_up_by_a_restart(tmp_path: Path) -> None:
    def event(step: int, value: bytes) -> bytes:
        return tb.record(tb.event(1.7e9 + step, step, value))

    lines = [event(step, image_value("old form", picture("PNG"))) for step in (1, 2, 3)]
    tensor = text_tensor("new form", "images", b"2", b"2", picture("JPEG"), picture("PNG"))
    lines += [event(2, tensor), event(2, image_value("broken", b"no image"))]
    lines += [event(2, text_tensor("note/text_summary", "text", b"one", b"two"))]
    tb.write(tmp_path / "log", *lines, tb.scalar(3, "loss", 0.5), tb.restart(3))
    followed = Followed(tmp_path / "log", tmp_path)
    assert followed.read() == {}
    assert sampled_steps(followed.record) == [1, 2]
    found = read_samples(followed.record, 2)
    parts = {name: part for sample in found.samples for name, part in sample.items()}
    assert list(parts) == ["old form", "new form 0", "new form 1", "note"]
    assert parts["note"]["text"] == "one\ntwo"
    shown = from_png(found.image_bytes(parts["old form"]))
    assert (shown.width, shown.height, shown.data[:3]) == (2, 2, b"\xff\0\0")


def test_only_the_newest_steps_are_kept(tmp_path: Path) -> None:
    lines = [tb.record(tb.event(1.7e9, step, text_tensor("t", "text", b"x"))) for step in range(90)]
    tb.write(tmp_path / "log", *lines)
    followed = Followed(tmp_path / "log", tmp_path)
    followed.read()
    assert sampled_steps(followed.record) == [*range(26, 90)]


def test_a_histogram_of_tensorflow_2_is_read(tmp_path: Path) -> None:
    rows = struct.pack("<9d", -1, 0, 10, 0, 1, 20, 1, 2, 0)
    body = b"\x08\x02" + tb.message(4, rows)
    metadata = tb.message(9, tb.message(1, tb.message(1, b"histograms")))
    value = tb.message(1, b"w") + tb.message(8, body) + metadata
    tb.write(tmp_path / "log", tb.record(tb.event(1.7e9, 4, value)))
    followed = Followed(tmp_path / "log", tmp_path)
    followed.read()
    [sample] = read_samples(followed.record, 4).samples
    assert sample["w"]["text"].startswith("30 values from -1 to 1\n")


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_what_torchs_writer_logs_is_shown_by_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TORCH, str(tmp_path / "log")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    followed = Followed(tmp_path / "log", tmp_path)
    assert followed.read()["loss"] == [(0, 1.0), (7, 1.0)]
    with RunReader(followed.record) as reader:
        settings = reader.config()
    assert settings == {"lr": 0.1, "layers": 3, "act": "relu", "bias": True}
    command = ("samples", "record", "--runs-dir", str(tmp_path), "--step", "7")
    shown = subprocess.run(
        [sys.executable, "-m", "tuitrain", *command],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert "step 7" in shown
    assert "\x1b[2J" not in shown
    assert "1000 values from -1 to 1" in shown
    plain = subprocess.run(
        [sys.executable, "-m", "tuitrain", *command, "--json"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = {name for sample in json.loads(plain)["samples"] for name in sample}
    assert names == {"says", "picture", "weights"}
    [part] = [s["picture"] for s in json.loads(plain)["samples"] if "picture" in s]
    image = from_png((followed.record.samples / "step-00000007" / part["file"]).read_bytes())
    assert (image.width, image.height) == (5, 4)
    assert image.data[(1 * 5 + 2) * 3] == 255
