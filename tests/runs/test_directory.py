import random
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory, create_run, runs_root
from tuitrain.runs.reader import RunReader


def test_the_option_goes_before_the_environment_and_that_before_the_default(tmp_path: Path) -> None:
    environ = {"TUITRAIN_RUNS": "/somewhere"}
    assert runs_root(Path("here"), environ, tmp_path) == tmp_path / "here"
    assert runs_root(None, environ, tmp_path) == Path("/somewhere")
    assert runs_root(None, {"TUITRAIN_RUNS": ""}, tmp_path) == tmp_path / "runs"
    assert runs_root(None, {}, tmp_path) == tmp_path / "runs"


def test_a_new_run_is_queued_private_and_named_after_its_preset(run: RunDirectory) -> None:
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
    assert run.config_path.read_text().startswith('\nname = "demo"')
    with RunReader(run) as reader:
        summary = reader.summary()
    assert summary.state == "queued"
    assert summary.name == run.id[len("20261121-0412-") :]
    assert summary.name.startswith("demo-")
    assert summary.preset == "demo"


def test_a_given_name_is_the_runs_name_and_part_of_its_id(
    new_run: Callable[..., RunDirectory],
) -> None:
    run = new_run("Base_line.2")
    assert "-Base_line.2-" in run.id
    with RunReader(run) as reader:
        assert reader.meta()["name"] == "Base_line.2"


@pytest.mark.parametrize("name", ["", "a b", "../up", "-x", "a" * 65, "last", "\x1b[31m", "é"])
def test_a_name_that_could_harm_is_refused_and_nothing_is_made(root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="run name"):
        create_run(root, "demo", name, "")
    assert not root.exists()


def test_an_id_already_taken_is_never_taken_again(new_run: Callable[..., RunDirectory]) -> None:
    first = new_run(now=1e9, rng=random.Random(0))
    second = new_run(now=1e9, rng=random.Random(0))
    assert first.path != second.path
    assert first.database_path.exists()
    assert second.database_path.exists()


def test_runs_made_at_the_same_instant_all_get_a_directory_of_their_own(
    root: Path, new_run: Callable[..., RunDirectory]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: new_run(now=1e9, rng=random.Random(0)), range(16)))
    assert len({run.id for run in runs}) == 16
    assert {path.name for path in root.iterdir()} == {run.id for run in runs}


def test_a_run_that_can_not_be_made_leaves_nothing_behind(root: Path) -> None:
    with pytest.raises(ValueError, match="Expected"):
        create_run(root, "demo", None, "this is not TOML")
    assert list(root.iterdir()) == []


def test_the_record_needs_neither_torch_nor_numpy_nor_textual() -> None:
    code = (
        "import sys, tuitrain.runs.writer, tuitrain.runs.listing, tuitrain.file_lock\n"
        "print({'torch', 'numpy', 'textual', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
