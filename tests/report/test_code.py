"""What of two runs' code is not the same, of commits and of what was changed since."""

import subprocess
from pathlib import Path

from tests.ui.makers import new_run
from tuitrain.report.code import code_difference
from tuitrain.runs.directory import RunDirectory

CHANGE = """diff --git a/{file} b/{file}
--- a/{file}
+++ b/{file}
@@ -1 +1 @@
-old
+{new}
"""


def runs(tmp_path: Path, *changes: str) -> list[RunDirectory]:
    made = [new_run(tmp_path / "runs", name) for name in ("before", "now")]
    for directory, text in zip(made, changes, strict=False):
        directory.code_diff_path.write_text(text)
    return made


def test_what_only_one_has_changed_since_the_same_commit_is_told(tmp_path: Path) -> None:
    both = CHANGE.format(file="same.py", new="new")
    one, other = (both + CHANGE.format(file="loss.py", new=new) for new in ("mse", "mae"))
    before, now = runs(tmp_path, one, other)
    meta = {"git_commit": "a" * 40}
    lines = list(code_difference(before, now, (meta, meta)))
    assert lines == [
        f"# changed since its commit by {before.id} alone, or otherwise",
        *CHANGE.format(file="loss.py", new="mse").splitlines(),
        f"# changed since its commit by {now.id} alone, or otherwise",
        *CHANGE.format(file="loss.py", new="mae").splitlines(),
    ]
    assert list(code_difference(before, before, (meta, meta))) == []


def test_between_two_commits_git_is_asked_and_what_it_can_not_tell_is_said(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    commits = []
    for text in ("rate = 1\n", "rate = 2\n"):
        (folder / "train.py").write_text(text)
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "more"]):
            own = ["-c", "user.name=a", "-c", "user.email=a@b"]
            subprocess.run(["git", "-C", str(folder), *own, *command], check=True)
        head = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        commits.append(subprocess.run(head, check=True, capture_output=True, text=True).stdout)
    before, now = runs(tmp_path)
    metas = [{"git_commit": each.strip(), "cwd": str(folder)} for each in commits]
    lines = list(code_difference(before, now, (metas[0], metas[1])))
    assert lines[0].startswith("# between their commits, ")
    assert "-rate = 1" in lines and "+rate = 2" in lines
    gone = [{**meta, "cwd": str(tmp_path)} for meta in metas]
    lines = list(code_difference(before, now, (gone[0], gone[1])))
    assert lines[1].startswith(f"# git can't tell in {tmp_path}: ")
    assert len(list(code_difference(before, now, ({}, metas[1])))) == 1
