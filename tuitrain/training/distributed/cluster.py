"""The ranks of a run as the agent of one machine sees them: which are its own, where others are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuitrain.config.load import parse_preset
from tuitrain.errors import DeviceError
from tuitrain.messages import Nodes, StartTraining

if TYPE_CHECKING:
    from tuitrain.training.distributed.peers import Peers


@dataclass(frozen=True, slots=True)
class Team:
    """How many ranks, and on what."""

    size: int
    device: str
    """cuda or cpu."""


def team_of(order: StartTraining) -> Team:
    """Return the ranks of this machine that an order is for.

    Raises:
        DeviceError: there are not as many GPUs.
    """
    train = parse_preset(order.config, "config.toml").train
    if train.ranks == 1 and order.nodes is None:
        return Team(1, "")
    import torch

    # Counted by the driver's library: the agent makes no CUDA context.
    gpus = torch.cuda.device_count()
    device = train.device.partition(":")[0]
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    size = (max(1, gpus) if device == "cuda" else 1) if train.ranks == "auto" else train.ranks
    if device == "cuda" and size > gpus:
        raise DeviceError(
            f"train.ranks = {size}: each rank needs a GPU of its own, and this machine has {gpus} "
            'that torch can use; take fewer, "auto", or train.device = cpu'
        )
    return Team(size, device)


@dataclass(frozen=True, slots=True)
class Cluster:
    """All ranks, and those of this machine among them."""

    team: Team
    """Of this machine."""
    size: int
    """Ranks of all machines."""
    first: int = 0
    """The number of this machine's first rank."""
    hosts: tuple[str, ...] = ()
    """The machine of each rank; empty: all are on this one."""
    nodes: Nodes | None = None
    peers: "Peers | None" = None
    """The agents of the other machines."""

    @property
    def own(self) -> range:
        """The ranks of this machine."""
        return range(self.first, self.first + self.team.size)
