"""Where a model looks tokens or categories up, and running it with other numbers from there.

Found by running the model: an embedding is told by what it is asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_Call = tuple[nn.Embedding, Tensor]


def _calls(model: nn.Module, prepared: Tensor) -> list[_Call]:
    """Return which embeddings are asked for what, in order."""
    calls: list[_Call] = []

    def note(module: nn.Module, inputs: Any, _output: Tensor) -> None:
        if isinstance(module, nn.Embedding):
            calls.append((module, inputs[0].detach()))

    found = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    handles = [module.register_forward_hook(note) for module in found]
    try:
        with torch.no_grad():
            model(prepared)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def token_embedding(model: nn.Module, tokens: Tensor) -> tuple[str, nn.Embedding] | None:
    """Return the first embedding that is asked for the tokens themselves, by name."""
    names = {module: name for name, module in model.named_modules()}
    for module, asked in _calls(model, tokens):
        if asked.shape == tokens.shape and torch.equal(asked, tokens):
            return names[module], module
    return None


def code_embeddings(
    model: nn.Module, prepared: Tensor, codes: Sequence[int]
) -> list[nn.Embedding] | None:
    """Return the embedding of each of a table's last columns; None: one has none.

    Args:
        model: of the run.
        prepared: rows [n, features], many enough for columns to differ.
        codes: how many there are of each of the last columns.
    """
    calls = _calls(model, prepared)
    found: list[nn.Embedding] = []
    for place, number in enumerate(codes):
        wanted = prepared[:, prepared.shape[1] - len(codes) + place].long()
        for module, asked in calls:
            fits = module.num_embeddings == number and asked.numel() == len(wanted)
            if fits and module not in found and torch.equal(asked.reshape(-1), wanted):
                found.append(module)
                break
        else:
            return None
    return found


@contextmanager
def replaced(numbers: Mapping[nn.Module, Tensor]) -> Iterator[None]:
    """Let embeddings give these numbers, whatever they are asked for."""

    def giving(values: Tensor) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        return lambda _module, _inputs, output: values.reshape(output.shape)

    handles = [m.register_forward_hook(giving(values)) for m, values in numbers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
