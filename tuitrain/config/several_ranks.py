"""Whether settings are for several ranks, and which warm worker may lead those.

Plain values; knows no process and nothing of torch.
"""

import tomllib
from collections.abc import Iterable


def has_several_ranks(config: str) -> bool:
    """Return whether settings are for several ranks, or for as many as there are GPUs.

    Args:
        config: a preset as TOML.

    Raises:
        ValueError: it is not TOML.
        AttributeError: `train` is no table.
    """
    return bool(tomllib.loads(config).get("train", {}).get("ranks", 1) != 1)


def may_lead(asked: Iterable[str], holds_devices: bool | None) -> bool:
    """Return whether a worker that warmed up may be the agent of several ranks.

    An agent trains nothing: a context of each GPU would only take memory from its ranks, and they
    could not be copies of it.

    Args:
        asked: the settings it was asked about, each as TOML: it warms up for the first ones.
        holds_devices: whether it has a context of a GPU; None: it has not said so yet.
    """
    if holds_devices is not None:
        return not holds_devices
    return all(map(is_for_ranks, asked))


def is_for_ranks(config: str) -> bool:
    """Return whether settings are for several ranks; those at fault are not."""
    try:
        return has_several_ranks(config)
    except (ValueError, AttributeError):
        return False
