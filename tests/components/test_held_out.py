"""The rows that are held out are those of scikit-learn, on which runs on record were trained."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tuitrain.components.data import DataContext
from tuitrain.components.datasets.digits import digits
from tuitrain.components.held_out import held_out_rows
from tuitrain.errors import TrainingError


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.floats(0.01, 0.99))
def test_the_same_rows_are_drawn_as_scikit_learn_draws(labels: list[int], fraction: float) -> None:
    given = np.array([*labels, *range(5), *range(5)])
    rows = np.arange(len(given))
    try:
        expected = train_test_split(rows, test_size=fraction, random_state=0, stratify=given)
    except ValueError:
        with pytest.raises(TrainingError, match="each of the 5 classes must have one"):
            held_out_rows(given, fraction)
        return
    for one, other in zip(held_out_rows(given, fraction), expected, strict=True):
        assert one.tolist() == other.tolist()


def test_digits_are_those_of_scikit_learn() -> None:
    images, labels = load_digits(return_X_y=True)
    _train, held, train_labels, _labels = train_test_split(
        images, labels, test_size=0.2, random_state=0, stratify=labels
    )
    splits = digits(DataContext(Path(), lambda _text: None))
    assert splits.train.targets.tolist() == train_labels.tolist()
    found = splits.validation.inputs.reshape(-1, 64).numpy()
    assert np.abs(found * (16 / 255) - held).max() < 0.05
