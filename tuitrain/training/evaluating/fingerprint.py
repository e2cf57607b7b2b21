"""Which samples an evaluation was made on, in a few letters: two are compared on the same ones."""

import hashlib

import torch

from tuitrain.training.data.build import Data
from tuitrain.training.data.sources import count, raw_samples

_LOOKED_AT = 256
"""Inputs that are looked at, evenly from all over the set."""


def fingerprint(data: Data, targets: torch.Tensor | None, files: list[str] | None) -> str:
    """Return a digest of a validation part: its size, its targets, and its samples.

    Samples are known by their files where the data set names them, so that one that is read in
    another size is the same; else by their values.

    Args:
        data: as the data set has them.
        targets: all of them, where they are known.
        files: of the samples, in order.
    """
    digest = hashlib.sha256(str(count(data.validation)).encode())
    if targets is not None:
        wide = targets.float() if targets.is_floating_point() else targets.long()
        digest.update(wide.cpu().contiguous().numpy().tobytes())
    if files is not None:
        digest.update("\0".join(files).encode("utf-8", "surrogateescape"))
    else:
        number = count(data.validation)
        taken = min(number, _LOOKED_AT)
        inputs, _targets = raw_samples(
            data.validation, [place * number // taken for place in range(taken)]
        )
        digest.update(inputs.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
