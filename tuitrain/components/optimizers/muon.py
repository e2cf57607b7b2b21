"""Muon for the hidden matrices of a model, AdamW for all else."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import nn
from torch.nn import Parameter

from tuitrain.components.optimizers.fused import can_fuse
from tuitrain.components.registry import optimizer
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError

Groups = list[dict[str, Any]]


class MuonWithAdamW(torch.optim.Optimizer):
    """Two optimizers as one: their groups and their states are the same objects as its own."""

    def __init__(self, muon: torch.optim.Optimizer, adamw: torch.optim.Optimizer | None) -> None:
        self._parts = [muon] if adamw is None else [muon, adamw]
        super().__init__([group for part in self._parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        """Let both parts work on the groups and the state that are here."""
        place = 0
        for part in self._parts:
            number = len(part.param_groups)
            part.param_groups = self.param_groups[place : place + number]
            part.state = self.state
            place += number

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take in what a checkpoint holds."""
        super().__setstate__(state)
        self._share()

    # torch wraps `step` by its class, and has it typed loosely.
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the weights by the gradients that are there."""
        del closure
        for part in self._parts:
            part.step()


@optimizer("muon")
def muon(
    parameters: Iterable[Any],
    lr: float,
    weight_decay: float,
    model: nn.Module,
    *,
    momentum: Fraction = 0.95,
    nesterov: bool = True,
    ns_steps: Annotated[PositiveInt, Field(lt=100)] = 5,
    scale: Literal["match_rms_adamw", "original"] = "match_rms_adamw",
    betas: Annotated[Sequence[Fraction], Field(min_length=2, max_length=2)] = (0.9, 0.999),
    eps: PositiveFloat = 1e-8,
) -> torch.optim.Optimizer:
    """Muon (Jordan 2024) for hidden 2-d weights, AdamW for embeddings, the last layer and the rest.

    With `scale` match_rms_adamw (Liu 2025) one rate fits both; `betas` and `eps` are of AdamW.
    """
    hidden = _hidden(model)
    groups = _as_groups(parameters)
    matrices, rest = _split(groups, hidden, True), _split(groups, hidden, False)
    if not matrices:
        raise TrainingError(
            "optimizer.name = muon: the model has no hidden 2-d weights (its embeddings and its "
            "last linear layer are left to AdamW): take adamw"
        )
    first = torch.optim.Muon(
        matrices,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        nesterov=nesterov,
        ns_steps=ns_steps,
        adjust_lr_fn=scale,
    )
    if not rest:
        return MuonWithAdamW(first, None)
    options: dict[str, Any] = {"betas": tuple(betas), "eps": eps, "fused": can_fuse(rest)}
    second = torch.optim.AdamW(rest, lr=lr, weight_decay=weight_decay, **options)
    return MuonWithAdamW(first, second)


def _as_groups(parameters: Iterable[Any]) -> Groups:
    held = list(parameters)
    return held if held and isinstance(held[0], dict) else [{"params": held}]


def _split(groups: Groups, hidden: set[int], wanted: bool) -> Groups:
    """Return the groups with only those of their parameters that are hidden matrices, or not."""
    parts = [
        {**group, "params": [p for p in group["params"] if (id(p) in hidden) is wanted]}
        for group in groups
    ]
    return [part for part in parts if part["params"]]


def _hidden(model: nn.Module) -> set[int]:
    """Return the ids of the 2-d weights that are neither embeddings nor of the last layer."""
    modules = list(model.modules())
    last = [module for module in modules if isinstance(module, nn.Linear)][-1:]
    kept = [m for m in modules if isinstance(m, nn.Embedding | nn.EmbeddingBag)] + last
    left_out: set[int] = {id(p) for module in kept for p in module.parameters(recurse=False)}
    return {id(p) for p in model.parameters() if _is_matrix(p)} - left_out


def _is_matrix(parameter: Parameter) -> bool:
    return parameter.ndim == 2 and not parameter.is_complex()
