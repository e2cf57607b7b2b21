"""What torch's flight recorders say of ranks that hang: who has not come to which collective.

Each rank records what it has asked of NCCL or gloo last, and leaves it as a pickle of plain data
(torch.distributed.flight_recorder reads the same). Pure functions of what they hold.
"""

import io
import pickle
from collections.abc import Mapping
from typing import Any

Dump = Mapping[str, Any]
Entry = Mapping[str, Any]
_BACKENDS = ("nccl:", "gloo:", "ucc:", "xccl:")


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, texts, lists and tables; nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain data")


def read_dump(data: bytes) -> Dump | None:
    """Return what a rank's recorder has left; None where that is no such record."""
    try:
        found = _PlainUnpickler(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, AttributeError):
        return None
    known = isinstance(found, dict) and isinstance(found.get("entries"), list)
    return found if known else None


def collective_findings(dumps: Mapping[int, Dump]) -> list[str]:
    """Return in sentences why ranks wait for one another, by what each has recorded.

    Args:
        dumps: of each rank that has left one.
    """
    groups: dict[str, dict[int, dict[int, Entry]]] = {}
    for rank, dump in sorted(dumps.items()):
        for entry in dump["entries"]:
            if not entry.get("is_p2p"):
                calls = groups.setdefault(_group(entry), {}).setdefault(rank, {})
                calls[int(entry["collective_seq_id"])] = entry
    found = [_finding(name, calls) for name, calls in groups.items() if len(calls) > 1]
    return [each for each in found if each]


def _finding(group: str, calls: Mapping[int, Mapping[int, Entry]]) -> str:
    """Return what is wrong in one group of ranks; empty: nothing is."""
    last = {rank: max(each) for rank, each in calls.items()}
    waiting = {
        rank: min(open_calls)
        for rank, each in calls.items()
        if (open_calls := [number for number, entry in each.items() if not _is_over(entry)])
    }
    if not waiting:
        return ""
    first = min(waiting.values())
    if odd := _mismatch(group, first, calls):
        return odd
    behind = [rank for rank, number in last.items() if number < first]
    what = _call(next(each[first] for each in calls.values() if first in each))
    there = [rank for rank, number in waiting.items() if number == first and rank not in behind]
    where = f"{what}, number {first} of {group}"
    if behind:
        return f"{_ranks(behind)} not come to {where}, in which {_ranks(there, 'wait')}"
    return f"{_ranks(there, 'wait')} in {where}, to which all of them have come"


def _mismatch(group: str, number: int, calls: Mapping[int, Mapping[int, Entry]]) -> str:
    """Say so where ranks have called different things in the same place."""
    said = {rank: _call(each[number]) for rank, each in calls.items() if number in each}
    if len(set(said.values())) < 2:
        return ""
    by_call: dict[str, list[int]] = {}
    for rank, what in said.items():
        by_call.setdefault(what, []).append(rank)
    each = "; ".join(f"{_ranks(ranks, 'call')} {what}" for what, ranks in by_call.items())
    return f"ranks differ in number {number} of {group}, and wait for ever: {each}"


def _is_over(entry: Entry) -> bool:
    return bool(entry.get("retired")) or entry.get("state") == "completed"


def _group(entry: Entry) -> str:
    """Return what a group of ranks is called: by its description, where it has one."""
    name, description = (*map(str, entry.get("process_group") or ()), "", "")[:2]
    if description in ("", "undefined"):
        return f"group {name}"
    return "the default group" if description == "default_pg" else f"group {description}"


def _call(entry: Entry) -> str:
    """Return a collective and what it is over, as in `all_reduce of 64x10 Float`."""
    name = str(entry.get("profiling_name", "a collective"))
    for backend in _BACKENDS:
        name = name.removeprefix(backend)
    sizes, types = entry.get("input_sizes") or (), entry.get("input_dtypes") or ()
    tensors = [
        f"{'x'.join(map(str, shape)) or '1'} {kind}"
        for shape, kind in zip(sizes, types, strict=False)
    ]
    more = f" and {len(tensors) - 1} more" if len(tensors) > 1 else ""
    return f"{name} of {tensors[0]}{more}" if tensors else name


def _ranks(ranks: list[int], verb: str = "") -> str:
    """Return `rank 1 waits` or `ranks 0, 2 wait`; without a verb `rank 1 has`."""
    numbers = ", ".join(map(str, ranks))
    if len(ranks) == 1:
        return f"rank {numbers} {verb + 's' if verb else 'has'}"
    return f"ranks {numbers} {verb or 'have'}"
