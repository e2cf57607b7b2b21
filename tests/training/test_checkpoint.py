"""Checkpoint files: names, room, damage of any kind."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuitrain.errors import CheckpointError, DamagedCheckpointError
from tuitrain.training.checkpoints.files import (
    FORMAT,
    CheckpointFolder,
    load_checkpoint,
)
from tuitrain.training.checkpoints.saveable import digest_state
from tuitrain.training.checkpoints.writer import CheckpointWriter, HostStaging


def state(step: int, **more: Any) -> dict[str, Any]:
    weights = {"weight": torch.full((3, 4), float(step)), "bias": torch.arange(3)}
    return {"format": FORMAT, "digest": digest_state(weights), "model": weights, "step": step,
            **more}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    found = CheckpointFolder(tmp_path / "checkpoints")
    found.prepare()
    return found


def test_what_was_written_is_read_back(folder: CheckpointFolder) -> None:
    path = folder.write(state(7, pending="x"), 7)
    loaded = load_checkpoint(path)
    assert (loaded["step"], loaded["pending"]) == (7, "x")
    assert torch.equal(loaded["model"]["weight"], torch.full((3, 4), 7.0))
    assert path.name == "step-00000007.pt"


def test_the_newest_are_kept_and_so_is_what_a_name_leads_to(folder: CheckpointFolder) -> None:
    paths = [folder.write(state(step), step) for step in (1, 2, 3, 4, 5)]
    folder.point(("mine",), paths[0])
    folder.point(("last", "best"), paths[4])
    removed = folder.make_room(2)
    assert [path.name for path in removed] == ["step-00000003.pt", "step-00000002.pt"]
    assert folder.files() == [paths[4], paths[3], paths[0]]
    assert folder.names(paths[4]) == ("best", "last")
    assert load_checkpoint(folder.folder / "mine.pt")["step"] == 1


def test_a_name_moves_in_one_step_and_leaves_no_temporary_file(folder: CheckpointFolder) -> None:
    first, second = (folder.write(state(step), step) for step in (1, 2))
    folder.point(("best",), first)
    folder.point(("best",), second)
    assert (folder.names(first), folder.names(second)) == ((), ("best",))
    assert not list(folder.folder.glob(".*"))


def test_what_a_killed_writer_left_is_removed(folder: CheckpointFolder) -> None:
    (folder.folder / ".step-00000009.pt.tmp").write_bytes(b"half")
    folder.prepare()
    assert list(folder.folder.iterdir()) == []


def test_a_damaged_file_set_aside_is_neither_loaded_nor_lost(folder: CheckpointFolder) -> None:
    path = folder.write(state(3), 3)
    folder.point(("last",), path)
    assert not folder.has_damaged()
    aside = folder.set_aside(path)
    assert aside.exists()
    assert (folder.files(), folder.has_damaged()) == ([], True)
    assert not (folder.folder / "last.pt").is_symlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_no_damage_goes_unnoticed_or_ends_in_a_traceback(
    folder: CheckpointFolder, data: st.DataObject
) -> None:
    path = folder.write(state(1), 1)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        for offset in range(data.draw(st.integers(1, 40))):
            content[(place + offset) % len(content)] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = load_checkpoint(path)
    except DamagedCheckpointError as error:
        assert str(path) in str(error)
    else:
        # What is not data (an archive's padding, dates) may change; what is loaded is whole.
        assert loaded["step"] == 1
        assert digest_state(loaded["model"]) == digest_state(state(1)["model"])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all" * 100])
def test_a_file_that_is_no_checkpoint_is_named(folder: CheckpointFolder, content: bytes) -> None:
    path = folder.path(1)
    path.write_bytes(content)
    with pytest.raises(DamagedCheckpointError, match=r"step-00000001\.pt is damaged"):
        load_checkpoint(path)


def test_a_newer_format_is_refused_and_not_called_damaged(folder: CheckpointFolder) -> None:
    path = folder.write({**state(1), "format": FORMAT + 1}, 1)
    with pytest.raises(CheckpointError, match="update tuitrain") as caught:
        load_checkpoint(path)
    assert not isinstance(caught.value, DamagedCheckpointError)


def test_the_digest_follows_values_shapes_types_and_names() -> None:
    base = {"a": torch.zeros(2, 3), "b": torch.ones(1)}
    others = [
        {"b": torch.ones(1), "a": torch.zeros(2, 3)},
        {"a": torch.zeros(3, 2), "b": torch.ones(1)},
        {"a": torch.zeros(2, 3).double(), "b": torch.ones(1)},
        {"a": torch.zeros(2, 3), "c": torch.ones(1)},
        {"a": torch.zeros(2, 3), "b": torch.full((1,), 1.0000001)},
    ]
    digests = [digest_state(other) for other in others]
    assert digests[0] == digest_state(base)
    assert len({*digests}) == 5


def test_a_copy_does_not_follow_the_training_that_goes_on() -> None:
    buffers, weight = HostStaging(), torch.zeros(3)
    copy = buffers.copy({"model": {"w": weight}, "list": [weight, (1, "x")]})
    weight += 1
    assert copy["model"]["w"].tolist() == [0, 0, 0]
    again = buffers.copy({"model": {"w": weight}, "list": [weight, (1, "x")]})
    assert again["model"]["w"] is copy["model"]["w"]
    assert again["list"][1] == (1, "x")


def test_a_checkpoint_that_can_not_be_written_is_retried_with_the_state_it_had(
    tmp_path: Path,
) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    writer = CheckpointWriter(folder, tmp_path)
    told: list[Any] = []
    writer.send = told.append
    weight = torch.zeros(2)

    def collect() -> dict[str, Any]:
        return {"model": {"w": weight}, "step": 4}

    writer.save(collect, step=4, names=("last",), keep=1, metrics={})
    with pytest.raises(OSError, match="No such file"):
        writer.wait()
    weight += 1
    with pytest.raises(OSError, match="No such file"):
        writer.retry()
    folder.prepare()
    writer.retry()
    assert [event.step for event in told] == [4]
    assert load_checkpoint(folder.folder / "last.pt")["model"]["w"].tolist() == [0, 0]
