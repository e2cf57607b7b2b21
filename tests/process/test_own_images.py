"""Runs on a folder of images: killed, resumed, with and without a cache, with broken files."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.catalogue.pictures import write_classes
from tests.catalogue.test_image_cache import PRESET


def weights(run: Any) -> dict[str, Any]:
    path = (run.directory.checkpoints / "last.pt").resolve()
    found: dict[str, Any] = torch.load(path, weights_only=True)["model"]
    return found


@pytest.fixture
def own(cli: Any) -> Path:
    """Write a preset, and images beside it."""
    write_classes(cli.folder / "own", {"dark": 40, "bright": 40})
    path: Path = cli.folder / "own.toml"
    path.write_text(PRESET.replace("{data}", "").replace("{epochs}", "12"))
    return path


def test_a_killed_run_goes_on_to_the_same_bits_with_a_cache_and_without(
    cli: Any, own: Path
) -> None:
    undisturbed = cli.detach(own)
    killed = cli.detach(own, "--no-cache")
    killed.wait_step(12)
    killed.kill("worker")
    killed.wait_end()
    cli.resume(killed)
    for run in (undisturbed, killed):
        assert run.wait_end().state == "finished"
    one, other = weights(undisturbed), weights(killed)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_broken_images_are_an_alert_of_the_run(cli: Any, own: Path) -> None:
    (own.parent / "own" / "dark" / "bad.png").write_bytes(b"")
    cli("run", own, exit_code=1)
    assert "dark/bad.png is empty" in cli.only().state().reason
    run = cli.detach(own, "--set", "data.broken=skip", "--set", "train.max_steps=5")
    assert run.wait_end().state == "finished"
    [alert] = [row for row in run.alerts() if row.kind == "data"]
    assert "1 of 81 images can't be read and left out: dark/bad.png is empty" in alert.text


def test_a_path_that_leads_nowhere_is_told_before_anything_starts(cli: Any, own: Path) -> None:
    done = cli("run", own, "--set", "data.path=elsewhere", exit_code=2)
    assert done.returncode == 2
    assert "data.path = elsewhere: there is neither" in done.stderr_text
    assert str(own.parent / "elsewhere") in done.stderr_text
