"""What was changed since the last commit when a run was started."""

import subprocess
from pathlib import Path

import pytest

from tests.ui.makers import CONFIG
from tuitrain.runs.directory import create_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writing.code import MOST_BYTES, code_changes


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "model.py").write_text("width = 8\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        author = ["-c", "user.name=eve", "-c", "user.email=eve@example.org"]
        subprocess.run(["git", *author, *command], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_clean_checkout_has_no_changes_and_no_checkout_is_not_known(
    checkout: Path, tmp_path: Path
) -> None:
    changes = code_changes(checkout)
    assert changes is not None and changes.words == "none"
    assert code_changes(tmp_path) is None


def test_changes_are_kept_with_the_run_and_told_by_size_and_digest(
    checkout: Path, tmp_path: Path
) -> None:
    (checkout / "model.py").write_text("width = 16\n")
    run = create_run(tmp_path / "runs", "demo", "dirty", CONFIG.format(preset="demo"))
    assert "+width = 16" in run.code_diff_path.read_text()
    with RunReader(run) as reader:
        told = reader.meta()["git_changes"]
    assert told.startswith("1 file +1 -1 (")
    (checkout / "model.py").write_text("width = 32\n")
    later = code_changes(checkout)
    assert later is not None and later.words != told, "other changes of the same size differ"


def test_a_huge_diff_is_cut_and_says_so(checkout: Path) -> None:
    (checkout / "model.py").write_text("x" * 79 + "\n" + "y = 1\n" * MOST_BYTES)
    changes = code_changes(checkout)
    assert changes is not None
    assert len(changes.text) < MOST_BYTES + 200 and "cut here" in changes.text


def test_programs_that_a_checkout_names_are_not_run(checkout: Path) -> None:
    subprocess.run(["git", "config", "diff.external", "touch ran; false"], cwd=checkout, check=True)
    (checkout / "model.py").write_text("width = 16\n")
    changes = code_changes(checkout)
    assert changes is not None and "+width = 16" in changes.text
    assert not (checkout / "ran").exists()
