"""Decoded images on the disk: shared, killed, bounded, and the same as without a cache."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from tests.catalogue.pictures import Said, write_classes
from tests.process.conftest import PROJECT
from tests.training.test_loop import Course
from tuitrain.components import Samples
from tuitrain.components.datasets.images import image_folder
from tuitrain.errors import FolderError
from tuitrain.userdata.image_files import find_images
from tuitrain.userdata.image_format import ImageFormat

PATIENCE_S = 60.0
FORM = ImageFormat(8, 8, "crop", "rgb", 255)
READ = """
import sys
from pathlib import Path
from tuitrain.userdata.image_cache import ImageCache
from tuitrain.userdata.image_files import find_images
from tuitrain.userdata.image_format import ImageFormat

folder = Path(sys.argv[1])
images = find_images(folder / "own", 0.25, 0)
form = ImageFormat(8, 8, "crop", "rgb", 255)
cache = ImageCache(folder / "cache", 1e9, lambda text: print(text, flush=True))
print(int(cache.open(images, form).pixels.astype("int64").sum()))
"""


def command_lines() -> Any:
    return psutil.process_iter(["cmdline"])


def reading(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", READ, str(folder)],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def sets(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def as_streamed(folder: Path) -> np.ndarray:
    from tuitrain.userdata.image_decode import decode

    images = find_images(folder / "own", 0.25, 0)
    return np.stack([decode(images.path(file), FORM) for file in images.files])


def test_two_processes_at_once_make_one_set_and_both_have_it(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 120, "dog": 120})
    both = [reading(tmp_path), reading(tmp_path)]
    said = [process.communicate(timeout=PATIENCE_S)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    expected = str(int(as_streamed(tmp_path).astype(np.int64).sum()))
    assert [lines[-1] for lines in said] == [expected] * 2
    assert [path.suffix for path in sets(tmp_path / "cache")] == [""]
    assert sum("decoding images" in line for lines in said for line in lines[:1]) == 1


def test_what_a_killed_process_made_is_gone_on_with_and_no_process_is_left(
    tmp_path: Path,
) -> None:
    write_classes(tmp_path / "own", {"cat": 400, "dog": 400})
    process = reading(tmp_path)
    deadline = time.monotonic() + PATIENCE_S
    states: Any = None
    while states is None or not 20 < np.count_nonzero(states == 2) < 780:
        assert time.monotonic() < deadline
        assert process.poll() is None
        found = list((tmp_path / "cache").glob("*.part/states"))
        states = np.fromfile(found[0], "<u4")[::2] if found else None
    process.kill()
    process.communicate()
    while any(str(tmp_path) in " ".join(each.info["cmdline"] or ()) for each in command_lines()):
        assert time.monotonic() < deadline, "a process that decodes is left"
        time.sleep(0.02)
    [part] = sets(tmp_path / "cache")
    done = int(np.count_nonzero(np.fromfile(part / "states", "<u4")[::2] == 2))
    assert 20 < done <= 800
    # What was on its way when power was lost may be anything.
    with (part / "pixels").open("r+b") as pixels:
        pixels.write(b"\0" * 100)
    lines = reading(tmp_path).communicate(timeout=PATIENCE_S)[0].splitlines()
    assert lines[0] != "decoding images: 0 of 800 images"
    assert lines[-1] == str(int(as_streamed(tmp_path).astype(np.int64).sum()))
    assert [path.suffix for path in sets(tmp_path / "cache")] == [""]


def open_set(folder: Path, said: Said | None = None, **options: Any) -> Any:
    given = {"path": "own", "size": 8, **options}
    return image_folder((said or Said(folder)).context, **given)


def test_a_set_is_decoded_again_only_when_files_or_settings_are_others(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 5, "dog": 5})

    def decodes(**options: Any) -> bool:
        said = Said(tmp_path)
        open_set(tmp_path, said, **options)
        return any("decoding" in text for text in said.reports)

    assert decodes()
    assert not decodes()
    assert not decodes(broken="skip")
    assert decodes(size=[8, 9])
    assert decodes(channels="grey")
    os.utime(tmp_path / "own" / "cat" / "0001.png", ns=(1, 1))
    assert decodes()


def test_a_set_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 5, "dog": 5})
    before = open_set(tmp_path).train.inputs.clone()
    [kept] = sets(tmp_path / "cache" / "images")
    with (kept / "pixels").open("r+b") as pixels:
        pixels.truncate(100)
    assert torch.equal(open_set(tmp_path).train.inputs, before)
    (kept / "index.json").write_text("{")
    assert torch.equal(open_set(tmp_path).train.inputs, before)


def test_the_set_used_longest_ago_goes_first_and_one_in_use_stays_readable(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 40, "dog": 40})
    folder = tmp_path / "cache" / "images"
    first = open_set(tmp_path, size=16)
    [oldest] = sets(folder)
    open_set(tmp_path, size=17)
    os.utime(oldest, (1, 1))
    kept = first.train.inputs.sum().item()
    # 80 images of 3x16x16 bytes take 60 KiB: two sets fit, three do not.
    open_set(tmp_path, size=18, cache_gib=150 * 1024 / 2**30)
    assert len(sets(folder)) == 2
    assert oldest not in sets(folder)
    assert first.train.inputs.sum().item() == kept


def test_a_set_larger_than_allowed_streams_and_says_so(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 5, "dog": 5})
    said = Said(tmp_path)
    splits = open_set(tmp_path, said, cache_gib=1e-6)
    assert not isinstance(splits.train, Samples)
    [warning] = said.warnings
    assert "more than data.cache_gib allows" in warning


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"cat": 5, "dog": 5})
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(FolderError, match=r"can't be written: .*data.cache = false"):
        open_set(tmp_path)


# --- training -----------------------------------------------------------------------------------

PRESET = """
name = "own"
task = "classification"
[data]
name = "image_folder"
path = "own"
size = 8
augment = [{ name = "flip" }]
{data}
[model]
name = "cnn"
channels = [4]
hidden = 8
[optimizer]
name = "adamw"
lr = 1e-2
[train]
epochs = {epochs}
batch_size = 8
threads = 1
[checkpoint]
every_steps = 3
"""
WAYS = {
    "cache": "",
    "loader over the cache": 'mode = "loader"\nworkers = 2',
    "stream": "cache = false\nworkers = 2",
    "stream in the worker": "cache = false\nworkers = 0",
}


def preset(data: str, epochs: int) -> str:
    return PRESET.replace("{data}", data).replace("{epochs}", str(epochs))


def test_every_way_gives_the_same_weights_to_the_last_bit_and_learns(tmp_path: Path) -> None:
    write_classes(tmp_path / "own", {"dark": 30, "bright": 30})
    found = {}
    for name, data in WAYS.items():
        course = Course(tmp_path, preset(data, 3))
        assert course.last_evaluation["val/accuracy"] == 1.0
        found[name] = [weight.detach().clone() for weight in course.parts.model.parameters()]
        for one, other in zip(found["cache"], found[name], strict=True):
            assert torch.equal(one, other), name
