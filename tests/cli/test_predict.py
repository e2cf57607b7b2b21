"""predict on images as a user runs it: drawn, written, and told on a terminal as it goes."""

import io
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.cli.command_line import Cli, Trained


@pytest.fixture(scope="module")
def tuitrain(trained: Trained) -> Cli:
    """Return the command line in a folder with a run on images with masks, and some images."""
    cli = trained(
        "segments --name shapes --set train.epochs=1 --set data.samples=60 "
        "--set model.channels=[4,8] --set train.threads=1 --set schedule.warmup_steps=0"
    )
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
