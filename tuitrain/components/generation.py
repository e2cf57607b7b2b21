"""Sequences that a model of the next token continues.

Knows no model: whatever gives scores of the next token at each place will do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@torch.no_grad()
def generate(
    model: nn.Module,
    prompt: Tensor,
    number: int,
    *,
    length: int,
    temperature: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """Continue a sequence of tokens; leaves the model's modes and every generator as they are.

    Args:
        model: gives scores [batch, length, vocabulary] of tokens [batch, length].
        prompt: [n] int64, at least one token, on the model's device.
        number: tokens to add.
        length: the most tokens that the model takes.
        temperature: what scores are divided by; 0: always the most likely token.
        seed: of the draws, which are made on the CPU: the same on every device.

    Returns:
        [number] int64, on the CPU.

    Raises:
        ValueError: the prompt is empty, or the temperature negative.
    """
    if not len(prompt) or temperature < 0:
        raise ValueError("a prompt needs at least one token, a temperature must be at least 0")
    generator = torch.Generator().manual_seed(seed)
    tokens = prompt
    with _evaluated(model):
        for _ in range(number):
            scores = model(tokens[None, -length:])[0, -1].float().cpu()
            if temperature:
                shares = (scores / temperature).softmax(0)
                chosen = torch.multinomial(shares, 1, generator=generator)
            else:
                chosen = scores.argmax(0, keepdim=True)
            tokens = torch.cat([tokens, chosen.to(tokens.device)])
    return tokens[len(prompt) :].cpu()


@contextmanager
def _evaluated(model: nn.Module) -> Iterator[None]:
    before = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in before:
            module.training = True
