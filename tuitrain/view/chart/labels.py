"""What the series of one chart are called: as short as still tells them apart.

Pure functions of names; knows nothing of charts or colours.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from tuitrain.view.format import display_width, first_cells, last_cells, sanitise, shorten

_TRIED_PLACES, _TRIED_PARTS = 8, 3
"""Of names of many parts, so many places are looked at, so many together, before all are taken."""
_DOTS = "..."


@lru_cache(maxsize=64)
def series_labels(metrics: tuple[str, ...]) -> dict[str, str]:
    """Return a label for each metric of one chart; its title, their last part, says the rest.

    train and val for train/loss and val/loss, conv1 and conv2 for train/conv1/grad and
    train/conv2/grad: the fewest parts that tell the metrics apart, the first where several do.
    """
    heads = [tuple(name.split("/")[:-1]) for name in metrics]
    kept = heads if len(heads) == 1 else _distinct(heads)
    labels = [
        "/".join(filter(None, head)) or name.rpartition("/")[2] or name
        for head, name in zip(kept, metrics, strict=True)
    ]
    if len(set(labels)) < len(labels):
        labels = list(metrics)
    return {name: sanitise(label) for name, label in zip(metrics, labels, strict=True)}


def _distinct(heads: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the parts of each that together no other has."""
    longest = max(map(len, heads), default=0)
    padded = [(*head, *[""] * (longest - len(head))) for head in heads]
    places = [place for place, parts in enumerate(zip(*padded, strict=True)) if len(set(parts)) > 1]
    for size in range(1, _TRIED_PARTS + 1):
        for chosen in combinations(places[:_TRIED_PLACES], size):
            kept = [tuple(head[place] for place in chosen) for head in padded]
            if len(set(kept)) == len(kept):
                return kept
    return [tuple(head[place] for place in places) for head in padded]


def shorten_apart(texts: Sequence[str], width: int) -> list[str]:
    """Cut texts to `width` cells, where they still differ if that can be.

    At their ends; else in the middle, or at their beginnings.
    """
    room = max(0, width - len(_DOTS))
    cuts = [[shorten(text, width) for text in texts]]
    cuts += [[_keep_ends(text, width, tail) for text in texts] for tail in (room // 2, room)]
    wanted = len(set(texts))
    return next((cut for cut in cuts if len(set(cut)) == wanted), cuts[0])


def _keep_ends(text: str, width: int, tail: int) -> str:
    if display_width(text) <= width or width <= len(_DOTS):
        return shorten(text, width)
    head = width - len(_DOTS) - tail
    return f"{first_cells(text, head)}{_DOTS}{last_cells(text, tail)}"
