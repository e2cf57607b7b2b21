"""Calibration errors and temperatures of scores whose truth is known."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tuitrain.analysis.statistics.calibration import calibrate, softmax


def drawn(temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return scores that are a known factor too large, and class numbers by their truth."""
    random = np.random.default_rng(0)
    honest = random.normal(scale=1.5, size=(20_000, 4))
    shares = softmax(honest).cumsum(1)
    targets = (random.random((20_000, 1)) > shares).sum(1).clip(0, 3)
    return honest * temperature, targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_mends_is_found(temperature: float) -> None:
    scores, targets = drawn(temperature)
    found = calibrate(scores, targets)
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert found.ece_at_temperature == pytest.approx(0, abs=0.015)
    assert found.cross_entropy == pytest.approx(log_loss(targets, softmax(scores)), rel=1e-6)
    assert sum(samples for _sure, _right, samples in found.bins) == 20_000
    if temperature > 1:
        assert found.ece > 0.1


def test_scores_that_are_all_right_have_no_temperature() -> None:
    found = calibrate(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 1]))
    assert (found.temperature, found.ece_at_temperature) == (None, None)
