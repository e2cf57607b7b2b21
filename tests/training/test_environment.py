"""What a run says of the data that it trains on."""

import torch

from tuitrain.components.data import Samples
from tuitrain.training.runtime.environment import _fingerprint


def test_the_fingerprint_of_data_differs_where_inputs_or_targets_do() -> None:
    inputs, targets = torch.arange(3000.0).reshape(1000, 3), torch.arange(1000) % 10
    base = _fingerprint(Samples(inputs, targets))
    assert base == _fingerprint(Samples(inputs.clone(), targets.clone()))
    changed = targets.clone()
    changed[999] = 5
    assert base != _fingerprint(Samples(inputs, changed))
    assert base != _fingerprint(Samples(inputs + 1, targets))
    assert base != _fingerprint(Samples(inputs[:-1], targets[:-1]))


def test_of_a_large_set_some_samples_are_looked_at() -> None:
    inputs = torch.zeros(2_000, 1_000, dtype=torch.uint8)
    base = _fingerprint(Samples(inputs, torch.zeros(2_000, dtype=torch.int64)))
    inputs[0, 0] = 1
    assert base != _fingerprint(Samples(inputs, torch.zeros(2_000, dtype=torch.int64)))
