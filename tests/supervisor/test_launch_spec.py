"""launch.json: what is written is read back, and what can't be read is told in one sentence."""

import json
import stat
from pathlib import Path

import pytest

from tests.ui.makers import new_run
from tuitrain.config.changes import Change
from tuitrain.config.load import load_preset
from tuitrain.errors import TuitrainError
from tuitrain.messages import Nodes
from tuitrain.runs.rows import JobLimit
from tuitrain.supervisor.launch import LaunchSpec


@pytest.fixture
def spec(tmp_path: Path) -> LaunchSpec:
    run = new_run(tmp_path / "runs", "alpha")
    return LaunchSpec(
        run,
        load_preset(run.config_path),
        True,
        tmp_path / "data",
        code_folders=("/home/me/own code",),
        checkpoint="checkpoints/best.pt",
        changes=(Change("train.epochs", 3, 20),),
        live=(("optimizer.lr", 3e-4),),
        nodes=Nodes(2, 0, "10.0.0.1", 29500),
        job=JobLimit(1e9, requeues=True),
    )


def test_what_is_written_is_read_back_and_nobody_else_may_read_it(spec: LaunchSpec) -> None:
    with spec.write() as first, spec.write() as second:
        assert first.read() == second.read() == spec.directory.launch_path.read_bytes()
    text = spec.directory.launch_path.read_text()
    assert LaunchSpec.from_json(spec.directory, text) == spec
    assert stat.S_IMODE(spec.directory.launch_path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "a newer tuitrain wrote it"),
        ({"version": None}, "no JSON object with a version"),
        ({"priority": 3}, "unknown field 'priority'; it may hold preset, resume, "),
        ({"resume": "perhaps"}, "resume: "),
        ({"preset": "name ="}, "preset: "),
        ({"preset": 'nome = "x"'}, "preset.name: "),
    ],
)
def test_a_file_that_can_not_be_used_is_told_in_one_sentence(
    spec: LaunchSpec, change: dict[str, object], words: str
) -> None:
    text = json.dumps({**json.loads(spec.to_json()), **change})
    with pytest.raises(TuitrainError) as caught:
        LaunchSpec.from_json(spec.directory, text)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(spec.directory.launch_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_file_that_is_cut_off_is_told(spec: LaunchSpec, text: str) -> None:
    with pytest.raises(TuitrainError, match=r"launch\.json can't be used: "):
        LaunchSpec.from_json(spec.directory, text)
