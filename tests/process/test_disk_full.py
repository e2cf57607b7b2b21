"""A full disk makes training wait, and nothing that was whole is lost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

SIZE = 12 * 1024 * 1024


@pytest.fixture
def small_disk(cli: Any) -> Iterator[Path]:
    """Put the runs onto a file system of 12 MiB."""
    cli.runs.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(cli.runs)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system can't be mounted here: {mounted.stderr.strip()}")
    yield cli.runs
    cli.end_all()
    # Lazily: a process that was killed just now may hold it for an instant.
    subprocess.run(["umount", "--lazy", str(cli.runs)], check=True)


def fill(disk: Path, left_bytes: int) -> Path:
    """Write a file that leaves so many bytes free."""
    ballast = disk / ".ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while (free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize) > left_bytes:
            file.write(bytes(min(65536, free - left_bytes)))
    return ballast


def test_training_waits_for_space_for_a_checkpoint(cli: Any, small_disk: Path) -> None:
    run = cli.endless()
    run.wait_step(100)
    ballast = fill(small_disk, left_bytes=400 * 1024)
    state = run.wait_state("paused")
    assert "a checkpoint could not be written" in state.reason
    assert "No space left on device" in state.reason
    assert run.alerts()[-1].kind == "disk"
    whole = run.checkpoint()
    assert (run.directory.path / whole.path).stat().st_size == whole.size_bytes
    assert not [name for name in run.files() if name.startswith(".")]
    step = run.step
    ballast.unlink()
    run.wait_state("running")
    run.wait_step(step + 100)
    assert_whole_after_stop(cli, run)


def test_training_waits_for_space_for_the_record(cli: Any, small_disk: Path) -> None:
    run = cli.endless("checkpoint.every_steps=0", "checkpoint.best=false")
    run.wait_step(100)
    ballast = fill(small_disk, left_bytes=0)
    waiting = run.waits_for_record()
    ballast.unlink()
    run.wait_step(waiting + 100)
    assert "the record can't be written" in " ".join(alert.text for alert in run.alerts())
    assert_whole_after_stop(cli, run)


def assert_whole_after_stop(cli: Any, run: Any) -> None:
    cli("stop", run.id)
    assert run.state().state == "stopped"
    steps = [number for number, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))
    cli.assert_nothing_left()
