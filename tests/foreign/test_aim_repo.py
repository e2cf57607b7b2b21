"""Aim's repository: what its own library wrote is what is read, and nothing is left beside it."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.foreign.logs import curves, plain
from tuitrain.errors import UsageError
from tuitrain.foreign import find
from tuitrain.foreign.find import find_logs
from tuitrain.foreign.follow import LogFollower
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.samples import read_samples
from tuitrain.runs.table.details import load_details

_LOG = """
import math, sys
from aim import Image, Run, Text
from PIL import Image as Pictures
repo, known, first, last, scale = sys.argv[1:]
run = Run(known or None, repo=repo, experiment="digits", system_tracking_interval=None,
          log_system_params=False)
run.name = "mine"
run["hparams"] = {"lr": 0.1, "model": {"depth": 2}}
for step in range(int(first), int(last)):
    value = math.nan if step == 7 else float(scale) / (step + 1)
    run.track(value, name="loss", step=step, epoch=step // 10, context={"subset": "train"})
run.track(Image(Pictures.new("RGB", (3, 2))), name="seen", step=3)
run.track(Text("four"), name="said", step=3)
print(run.hash)
run.close()
"""


@pytest.mark.skipif(find_spec("aim") is None, reason="aim is not installed")
def test_a_run_is_read_on_over_a_restart_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    repo = tmp_path / "logs"
    repo.mkdir()

    def log(known: str, first: int, last: int, scale: float) -> str:
        command = [sys.executable, "-W", "ignore", "-c", _LOG, str(repo), known]
        done = subprocess.run(
            [*command, str(first), str(last), str(scale)],
            check=True, capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        return done.stdout.split()[-1]

    def losses(last: int, again: int, scale: float) -> list[tuple[int, float]]:
        return plain([
            (step, float("nan") if step == 7 else (scale if step >= again else 1) / (step + 1))
            for step in range(last)
        ])  # fmt: skip

    run = log("", 0, 30, 1.0)
    before = sorted((path, path.stat().st_mtime_ns) for path in repo.rglob("*"))
    [found] = find_logs(repo)
    assert (found.name, found.kind, found.part) == ("logs/digits/mine", "Aim", run)
    record = RunDirectory(tmp_path / "record")
    follower = LogFollower(found, record)
    assert follower.begin()
    follower.catch_up()
    assert curves(record) == {"train/loss": losses(30, 30, 1.0)}
    assert sorted((path, path.stat().st_mtime_ns) for path in repo.rglob("*")) == before
    log(run, 30, 40, 1.0)
    follower.catch_up()
    assert curves(record) == {"train/loss": losses(40, 40, 1.0)}
    # A restart: what it has not logged again yet is as Aim itself shows it.
    log(run, 35, 38, 3.0)
    follower.catch_up()
    shown = [*losses(40, 35, 3.0)[:38], *losses(40, 40, 1.0)[38:]]
    assert curves(record) == {"train/loss": shown}
    log(run, 38, 50, 3.0)
    follower.catch_up()
    follower.close()
    assert curves(record) == {"train/loss": losses(50, 35, 3.0)}
    assert load_details(record).settings == {"lr": 0.1, "model/depth": 2}
    kept = {name: part for each in read_samples(record, 3).samples for name, part in each.items()}
    assert (kept["seen"]["width"], kept["seen"]["height"]) == (3, 2)
    assert kept["said"]["text"] == "four"


def test_a_repository_without_its_library_says_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aim").mkdir()
    (tmp_path / ".aim" / "run_metadata.sqlite").touch()

    def refused(_modules: object, extra: str, what: str) -> None:
        raise UsageError(f"{what}: {extra}")

    monkeypatch.setattr(find, "installed", refused)
    with pytest.raises(UsageError, match="reading Aim's repositories: aim"):
        find_logs(tmp_path)
