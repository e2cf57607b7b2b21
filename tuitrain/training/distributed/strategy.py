"""How several ranks train one model: each a replica of it (DDP), or each a part of it (FSDP2)."""

from typing import TYPE_CHECKING

from tuitrain.training.distributed.replica import AveragedReplica
from tuitrain.training.distributed.sharding import ShardedReplica

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset
    from tuitrain.training.build import TrainingComponents
    from tuitrain.training.distributed.world import World


def is_sharded_run(preset: "Preset", world: "World") -> bool:
    """Return whether the ranks of a run hold a part of the model each."""
    return not world.is_alone and preset.train.strategy == "fsdp"


def replicate(parts: "TrainingComponents") -> None:
    """Let parts that were built for a rank be trained with the others.

    Raises:
        TrainingError: they can't be.
    """
    if parts.world.is_alone:
        return
    sharded = is_sharded_run(parts.preset, parts.world)
    parts.replica = ShardedReplica(parts) if sharded else AveragedReplica(parts)
