"""How several ranks train one model: each a replica of it (DDP), or each a part of it (FSDP2)."""

from pathlib import Path
from typing import TYPE_CHECKING

from tuitrain.training.checkpoints.parts import PartsPolicy
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.distributed.replica import AveragedReplica
from tuitrain.training.distributed.sending import is_seen_by_all
from tuitrain.training.distributed.sharding import ShardedReplica
from tuitrain.training.distributed.writing import FollowingWriter

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset
    from tuitrain.training.build import TrainingComponents
    from tuitrain.training.distributed.world import World


def is_sharded_run(preset: "Preset", world: "World") -> bool:
    """Return whether the ranks of a run hold a part of the model each."""
    return not world.is_alone and preset.train.strategy == "fsdp"


def choose_parts(preset: "Preset", world: "World", writer: CheckpointWriter, folder: Path) -> None:
    """Let ranks write a sharded state in parts, where it is too large for one file.

    Args:
        preset: of the run.
        world: the ranks, which call it together.
        writer: of this rank's checkpoints.
        folder: of checkpoints, as this rank has it.
    """
    if not is_sharded_run(preset, world):
        return
    missing = ""
    if world.is_spread:
        # The folder of a run on several machines need not be on a disk that all of them see.
        folder = world.first(folder)
        if not is_seen_by_all(world, folder):
            missing = f"{folder} is not seen by all machines"
        elif isinstance(writer, FollowingWriter):
            writer.write_in(folder)
    writer.parts = PartsPolicy(preset.checkpoint.one_file_gib * 2**30, missing)


def replicate(parts: "TrainingComponents") -> None:
    """Let parts that were built for a rank be trained with the others.

    Raises:
        TrainingError: they can't be.
    """
    if parts.world.is_alone:
        return
    sharded = is_sharded_run(parts.preset, parts.world)
    parts.replica = ShardedReplica(parts) if sharded else AveragedReplica(parts)
