"""Which samples each step takes, and of several ranks each rank: by seed and step alone."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from torch import Tensor

from tuitrain.components.draw import derive
from tuitrain.training.distributed.world import share as share_of
from tuitrain.training.runtime.randomness import epoch_order


@dataclass(frozen=True, slots=True)
class BatchSchedule:
    """Which samples each step takes: a pure function of seed and step."""

    samples: int
    batch_size: int
    accumulate: int
    drop_last: bool
    seed: int
    at_once: int = 0
    """Samples in one forward pass where a whole batch takes too much memory; 0: a whole batch."""
    ahead: int = 0
    """Steps of this size that the data are ahead of the count of steps, since a resume changed the
    size of a step; negative: behind."""
    lengths: Tensor | None = field(default=None, compare=False)
    """[samples] on the CPU, of samples that batches are cut to the longest of; None: all are whole.
    """
    bucket: int = 0
    """Samples of similar length that come one after the other, where there are lengths."""
    rank: int = 0
    """Which of several ranks takes its part of each batch."""
    ranks: int = 1

    @property
    def forward_size(self) -> int:
        """Samples in one forward pass."""
        return self.at_once or self.batch_size

    @property
    def rank_size(self) -> int:
        """The most samples that go through one rank's model at a time."""
        return -(-self.forward_size // self.ranks)

    @property
    def step_samples(self) -> int:
        """Samples in a full step."""
        return self.batch_size * self.accumulate

    @property
    def steps_per_epoch(self) -> int:
        """Steps that one pass over the samples takes."""
        whole = self.samples // self.step_samples
        return whole if self.drop_last else -(-self.samples // self.step_samples)

    def order(self, epoch: int) -> Tensor:
        """Return the numbers of the samples in the order in which an epoch takes them.

        It follows from neither the size of batches nor that of steps, as these may change.
        """
        order = epoch_order(self.seed, epoch, self.samples)
        if self.lengths is None:
            return order
        return by_length(order, self.lengths, self.bucket, derive(self.seed, epoch, _PURPOSE))

    def slices(self, step: int) -> list[tuple[int, int]]:
        """Return where in the epoch's order each batch of a step (counted from 0) lies.

        Of several ranks: each batch of this one.
        """
        if self.ranks > 1:
            return [(part.first, part.end) for part in self.own_parts(step)]
        start, end = self._range(step)
        return list(pairwise([*range(start, end, self.forward_size), end]))

    def _range(self, step: int) -> tuple[int, int]:
        """Return from where to where in the epoch's order a step goes."""
        start = self.place(step)[1] * self.step_samples
        return start, min(start + self.step_samples, self.samples)

    def own_parts(self, step: int) -> "list[OwnPart]":
        """Return this rank's batches of a step; each rank has as many, and none is empty."""
        start, end = self._range(step)
        made: list[OwnPart] = []
        for first, last in pairwise([*range(start, end, self.batch_size), end]):
            low, high = share_of(last - first, self.rank, self.ranks)
            most = -(-(last - first) // self.ranks)
            pieces = -(-most // self.at_once) if self.at_once else 1
            for piece in range(pieces):
                here, there = share_of(high - low, piece, pieces)
                made.append(self._part(first + low + here, first + low + there, last, end - start))
        return made

    def _part(self, first: int, end: int, last: int, total: int) -> "OwnPart":
        if first < end:
            # Gradients are averaged over the ranks: so it counts for its samples.
            return OwnPart(first, end, (end - first) * self.ranks / total, end - first)
        first = min(first, last - 1)
        return OwnPart(first, first + 1, 0.0, 0)

    def epoch(self, step: int) -> int:
        """Return the epoch, counted from 0, that a step belongs to."""
        return self.place(step)[0]

    def place(self, step: int) -> tuple[int, int]:
        """Return a step's epoch and its place there, both counted from 0."""
        return divmod(step + self.ahead, self.steps_per_epoch)

    def epochs_done(self, step: int) -> float:
        """Return how many epochs are done after this many steps, with their fraction."""
        return (step + self.ahead) / self.steps_per_epoch

    def state(self) -> dict[str, int | bool]:
        """Return what a later resume must know to go on with steps of another size."""
        keys = ("samples", "batch_size", "accumulate", "drop_last", "ahead")
        return {key: getattr(self, key) for key in keys}

    def going_on_from(self, before: "BatchSchedule", step: int) -> "BatchSchedule":
        """Return this plan, set to go on where `before` stands after `step` steps.

        The epoch goes on in its order after the samples it has had, from the next whole step on:
        where steps of the new size do not end there, less than one of them is left out.
        """
        epoch, place = before.place(step)
        taken = min(place * before.step_samples, before.samples)
        steps = min(-(-taken // self.step_samples), self.steps_per_epoch)
        return replace(self, ahead=epoch * self.steps_per_epoch + steps - step)


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What one of several ranks puts through the model at once."""

    first: int
    """In the epoch's order."""
    end: int
    share: float
    """What its mean loss is multiplied by, so that the mean over the ranks is that of the step."""
    samples: int
    """0: there is none left for this rank; one that counts for nothing stands in, as all ranks go
    through the model together."""


_POOL_BUCKETS = 50
"""Samples are sorted by length among so many buckets: the more, the more alike, and the less
chance has a say in which samples meet."""
_PURPOSE = 0xB0C7
"""Keeps the order of buckets apart from other draws of the same seed."""


def by_length(order: Tensor, lengths: Tensor, bucket: int, seed: int) -> Tensor:
    """Return an order in which samples of similar length come one after the other.

    Stretches of the order are sorted by length and cut into buckets, which are shuffled; the last
    of an order is smaller where they do not come out even, and stays the last.

    Args:
        order: [samples] a permutation.
        lengths: [samples] of the samples, by their numbers.
        bucket: samples of a bucket.
        seed: of the buckets' order.
    """
    generator = torch.Generator().manual_seed(seed)
    made = []
    for pool in torch.split(order, bucket * _POOL_BUCKETS):
        ordered = pool[torch.argsort(lengths[pool], stable=True)]
        buckets = torch.split(ordered, bucket)
        whole = [each for each in buckets if len(each) == bucket]
        made += [whole[place] for place in torch.randperm(len(whole), generator=generator)]
        made += buckets[len(whole) :]
    return torch.cat(made)
