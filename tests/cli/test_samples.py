"""`tuitrain samples`, and what `show` says of them, as a user runs them."""

import json
import os
from pathlib import Path

import pytest
import torch

from tests import commands
from tests.cli.records import finished_run
from tuitrain.components.techniques.samples import write_samples
from tuitrain.runs.directory import RunDirectory


def tuitrain(root: Path, *arguments: str) -> commands.Result:
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return commands.run([*arguments, "--runs-dir", root], cwd=Path.cwd(), env=env)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = finished_run(tmp_path, "base")
    directory.samples.mkdir()
    return directory


def test_samples_are_shown_and_are_safe_for_a_terminal(run: RunDirectory) -> None:
    root = run.path.parent
    digit = torch.zeros(1, 8, 8, dtype=torch.uint8)
    digit[:, 2:6, 3:5] = 255
    write_samples(run.samples, 5, [{"input": digit, "target": "one"}])
    write_samples(run.samples, 9, [
        {"input": digit, "output": digit},
        {"input": "two\nlines", "output": "\x1b[2Jgone", "score": torch.arange(20) / 3},
    ])  # fmt: skip
    last = tuitrain(root, "samples", "base", "--graphics", "ascii")
    assert (last.returncode, last.stderr) == (0, "")
    assert "step 9; 2 are kept, of steps 5 to 9" in last.stdout
    assert "@@" in last.stdout and "#0 input" in last.stdout and "#0 output" in last.stdout
    assert "#1 input\n  two\n  lines\n" in last.stdout and "\x1b" not in last.stdout
    assert "#1 score\n  0 0.333 0.667" in last.stdout and "... (20)" in last.stdout
    first = tuitrain(root, "samples", "base", "--step", "5", "--graphics", "ascii")
    assert "#0 one" in first.stdout
    data = json.loads(tuitrain(root, "samples", "base", "--json").stdout)
    assert (data["step"], data["steps"], len(data["samples"])) == (9, [5, 9], 2)
    assert data["samples"][1]["input"] == {"kind": "text", "text": "two\nlines"}
    assert (Path(data["folder"]) / data["samples"][0]["input"]["file"]).is_file()
    assert f"of 2 evaluations; shown by `tuitrain samples {run.id}`" in tuitrain(
        root, "show", "base"
    ).stdout.replace("\n", " ")
    assert json.loads(tuitrain(root, "show", "base", "--json").stdout)["samples"] == [5, 9]


def test_what_is_not_kept_or_broken_is_told(run: RunDirectory) -> None:
    root = run.path.parent
    none = tuitrain(root, "samples", "base")
    assert none.returncode != 0 and 'name = "samples" writes them' in none.stderr
    folder = write_samples(run.samples, 5, [{"input": torch.rand(4, 4)}])
    absent = tuitrain(root, "samples", "base", "--step", "4")
    assert "kept are those of steps 5." in absent.stderr and absent.returncode != 0
    (folder / "0-input.png").write_bytes(b"GIF89a")
    broken = tuitrain(root, "samples", "base")
    assert "0-input.png: it is no PNG file" in broken.stderr and "Traceback" not in broken.stderr
