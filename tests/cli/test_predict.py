"""predict on images as a user runs it: drawn, written, and told on a terminal as it goes."""

import io
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_trained import Cli


@pytest.fixture(scope="module")
def tuitrain(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Return the command line in a folder with a run on images with masks, and some images."""
    cli = Cli(tmp_path_factory.mktemp("predict"))
    settings = ("train.epochs=1", "data.samples=60", "model.channels=[4,8]", "train.threads=1")
    chosen = [part for each in (*settings, "schedule.warmup_steps=0") for part in ("--set", each)]
    done = cli("run", "segments", "--name", "shapes", *chosen)
    assert done.returncode == 0, done.stderr
    random = np.random.default_rng(0)
    (cli.folder / "new").mkdir()
    for number in range(3):
        pixels = random.integers(0, 255, (32, 32), dtype=np.uint8)
        Image.fromarray(pixels).save(cli.folder / "new" / f"{number}.png")
    return cli


def test_masks_are_drawn_and_written(tuitrain: Cli) -> None:
    done = tuitrain("predict", "shapes", "new", "--show", "--out", "out", "--graphics", "ascii")
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tuitrain.folder / "out").iterdir())
    assert files == [f"{n}-{what}.png" for n in range(3) for what in ("mask", "over")]
    assert "0.png" in done.stdout
    assert "SAMPLE     SHARES" in done.stdout
    done = tuitrain("predict", "shapes", "new", "--csv")
    assert done.stdout.startswith("name,class_1,share_1")


def test_a_bar_moves_on_a_terminal(tuitrain: Cli) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tuitrain", "predict", "shapes", "new"],
        cwd=tuitrain.folder,
        env=tuitrain.environ | {"TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=follower,
        close_fds=True,
    ) as process:
        os.close(follower)
        told = b"".join(iter(lambda: read(leader), b"")).decode()
        assert process.wait() == 0
    os.close(leader)
    assert "predicted 3 of 3 samples" in told
    assert told.rstrip().endswith("\r\x1b[K")


def read(descriptor: int) -> bytes:
    """Return what a terminal was told next; nothing once nobody is there."""
    try:
        return os.read(descriptor, io.DEFAULT_BUFFER_SIZE)
    except OSError:
        return b""
