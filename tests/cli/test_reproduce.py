"""What `tuitrain reproduce` says of code that is no longer as it was."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.records import Tuitrain, finished_run


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return git in a folder of its own, which is the current one, with one file committed."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")

    def call(*words: str) -> None:
        subprocess.run(["git", *words], check=True, capture_output=True)

    Path("model.py").write_text("layers = 2\n")
    call("init")
    call("add", "model.py")
    call("commit", "--message", "first")
    return call


def test_changes_since_the_commit_are_told_where_they_are_others(
    git: Callable[..., None], root: Path, tuitrain: Tuitrain
) -> None:
    Path("model.py").write_text("layers = 3\n")
    finished_run(root, "base")
    said = tuitrain("reproduce", "base", "--check").stderr
    assert "changed since the commit" not in said and "commit: was" not in said
    Path("model.py").write_text("layers = 4\n")
    said = tuitrain("reproduce", "base", "--check").stderr
    assert "commit: what was changed since the commit: 1 file +1 -1" in said
    git("commit", "--all", "--message", "second")
    said = tuitrain("reproduce", "base", "--check").stderr
    assert "commit: was " in said and "code: none" in said
