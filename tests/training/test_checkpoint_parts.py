"""Checkpoints that are folders, to which each rank writes its part."""

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from tuitrain.errors import DamagedCheckpointError, TrainingError
from tuitrain.training.checkpoints.files import FORMAT, CheckpointFolder, load_checkpoint, size_of
from tuitrain.training.checkpoints.parts import PartsPolicy, sharded_bytes
from tuitrain.training.checkpoints.sharded import cut_like, require_placed, whole


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One rank, whose part is all there is."""
    store = tmp_path_factory.mktemp("store") / "store"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
        yield dist.device_mesh.DeviceMesh("cpu", [0])
        dist.destroy_process_group()


def sharded(mesh: Any, tensor: torch.Tensor) -> Any:
    from torch.distributed.tensor import Shard, distribute_tensor

    return distribute_tensor(tensor, mesh, [Shard(0)])


def state(mesh: Any, step: int) -> dict[str, Any]:
    weights = {"weight": sharded(mesh, torch.full((3, 4), float(step))), "count": torch.arange(3)}
    return {"format": FORMAT, "model": weights, "step": step, "means": [weights["weight"]]}


def put(folder: CheckpointFolder, policy: PartsPolicy, found: dict[str, Any]) -> Path:
    rest, parts = policy.take(found)
    assert parts is not None
    return policy.lead(partial(folder.write_parts, rest, found["step"]), parts)[0]


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    found = CheckpointFolder(tmp_path / "checkpoints")
    found.prepare()
    return found


def test_each_rank_writes_from_a_size_on(mesh: Any) -> None:
    found = state(mesh, 1)
    assert sharded_bytes(found) == 2 * 3 * 4 * 4
    for policy in (PartsPolicy(), PartsPolicy(96)):
        assert policy.take(found) == (found, None)
    rest, parts = PartsPolicy(95).take(found)
    assert set(parts or ()) == {"model/weight", "means/0"}
    assert rest["model"]["weight"].is_meta and not rest["model"]["count"].is_meta


def test_a_state_too_large_for_one_file_needs_a_folder_that_all_ranks_see(mesh: Any) -> None:
    found = state(mesh, 1)
    enough, too_small = (PartsPolicy(most, "/alpha is not seen") for most in (96, 95))
    for policy in (enough, too_small):
        assert policy.take(found) == (found, None)
    enough.require_place(found)
    with pytest.raises(TrainingError, match=r"one_file_gib = 8.* but /alpha is not seen; take a"):
        too_small.require_place(found)


def test_a_folder_is_written_named_replaced_and_removed_like_a_file(
    mesh: Any, folder: CheckpointFolder
) -> None:
    policy = PartsPolicy(0)
    paths = [put(folder, policy, state(mesh, step)) for step in (1, 2, 3, 3)]
    folder.point(("last",), paths[2])
    assert folder.files() == [paths[2], paths[1], paths[0]]
    read = load_checkpoint(folder.folder / "last.pt")
    assert torch.equal(read["model"]["weight"], torch.full((3, 4), 3.0))
    assert torch.equal(read["means"][0], torch.full((3, 4), 3.0))
    assert torch.equal(read["model"]["count"], torch.arange(3))
    assert size_of(paths[2]) == sum(path.stat().st_size for path in paths[2].iterdir())
    # A file takes the place of a folder, where the setting has changed meanwhile.
    folder.write({**read, "digest": ""}, 3)
    assert paths[2].is_file()
    assert folder.make_room(1) == [paths[1], paths[0]]
    assert sorted(path.name for path in folder.folder.iterdir()) == ["last.pt", paths[2].name]


def test_ranks_read_their_part_alone(mesh: Any, folder: CheckpointFolder) -> None:
    path = put(folder, PartsPolicy(0), state(mesh, 5))
    saved = load_checkpoint(path, whole=False)
    assert saved["parts_in"] == str(path) and saved["model"]["weight"].is_meta
    own = {"weight": sharded(mesh, torch.zeros(3, 4)), "count": torch.zeros(3)}
    cut = cut_like(saved["model"], own)
    assert cut["weight"].placements == own["weight"].placements
    cut = cut_like({"weight": torch.ones(3, 4)}, own)
    assert torch.equal(whole(cut["weight"]), torch.ones(3, 4))


@pytest.mark.parametrize("damage", ["shorter", "gone", "changed", "rest"])
def test_damage_is_told_before_anything_is_loaded(
    mesh: Any, folder: CheckpointFolder, damage: str
) -> None:
    path = put(folder, PartsPolicy(0), state(mesh, 2))
    part = path / "__0_0.distcp"
    content = part.read_bytes()
    if damage == "gone":
        part.unlink()
    elif damage == "rest":
        (path / "rest.pt").write_bytes(b"nothing")
    else:
        part.write_bytes(content[:-1] if damage == "shorter" else b"x" + content[1:])
    with pytest.raises(DamagedCheckpointError, match="is damaged"):
        load_checkpoint(path)
    aside = folder.set_aside(path)
    assert aside.is_dir() and folder.files() == [] and folder.has_damaged()


def test_what_a_killed_writer_left_of_a_folder_is_removed_and_the_one_before_stays(
    mesh: Any, folder: CheckpointFolder
) -> None:
    path = put(folder, PartsPolicy(0), state(mesh, 2))
    (folder.folder / ".step-00000009.pt.tmp").mkdir()
    (folder.folder / ".step-00000009.pt.tmp" / "__0_0.distcp").write_bytes(b"half")
    path.rename(folder.folder / f".{path.name}.replaced")
    folder.prepare()
    assert list(folder.folder.iterdir()) == [path]
    assert load_checkpoint(path)["step"] == 2


def test_an_optimizer_that_keeps_what_can_not_be_split_again_is_refused(mesh: Any) -> None:
    weight = torch.nn.Parameter(sharded(mesh, torch.ones(3, 4)))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    optimizer.state[weight] = {"step": torch.tensor(1.0), "mean": sharded(mesh, torch.ones(3, 4))}
    require_placed(optimizer)
    optimizer.state[weight]["rows"] = sharded(mesh, torch.ones(3))
    with pytest.raises(TrainingError, match="SGD keeps 'rows' of another form"):
        require_placed(optimizer)


def test_a_part_that_can_not_be_written_is_an_error_of_the_disk(
    mesh: Any, folder: CheckpointFolder
) -> None:
    policy = PartsPolicy(0)
    in_the_way = folder.folder / "file"
    in_the_way.write_bytes(b"")
    _rest, parts = policy.take(state(mesh, 4))
    with pytest.raises(OSError, match="File exists"):
        policy.lead(lambda write: write(in_the_way), parts or {})
    # Another try finds all ranks where they were.
    assert put(folder, policy, state(mesh, 4)).is_dir()
