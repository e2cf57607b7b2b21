"""Tables that come with scikit-learn, each with the same held-out part for every seed."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field

from tuitrain.components.data import DataContext, Facts, Samples, Splits
from tuitrain.components.readers.rows import NumberRows
from tuitrain.components.registry import dataset


@dataset("iris", tasks=("classification",))
def iris(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """Fisher's iris flowers: 150 of 3 species, 4 measures in cm."""
    context.report("loading iris")
    from sklearn.datasets import load_iris

    return _classes(load_iris(), validation_fraction)


@dataset("wine", tasks=("classification",))
def wine(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """178 wines of 3 growers, 13 measures of their chemistry."""
    context.report("loading wine")
    from sklearn.datasets import load_wine

    return _classes(load_wine(), validation_fraction)


@dataset("breast_cancer", tasks=("classification",))
def breast_cancer(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """569 tumours, malignant or benign, 30 measures of the cells' nuclei (Wisconsin)."""
    context.report("loading breast_cancer")
    from sklearn.datasets import load_breast_cancer

    return _classes(load_breast_cancer(), validation_fraction)


@dataset("diabetes", tasks=("regression",))
def diabetes(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """442 patients, 10 measures; how far diabetes is after a year, in hundreds (0.25 to 3.46)."""
    context.report("loading diabetes")
    from sklearn.datasets import load_diabetes

    table = load_diabetes(scaled=False)
    # In hundreds the targets are as large as a new network's outputs.
    targets = (table.target / 100).astype(np.float32)
    return _split(table.data, targets, validation_fraction, table.feature_names)


def _classes(table: Any, validation_fraction: float) -> Splits:
    names = tuple(str(name) for name in table.target_names)
    targets = table.target.astype(np.int64)
    return _split(table.data, targets, validation_fraction, table.feature_names, names)


def _split(
    features: np.ndarray,
    targets: np.ndarray,
    fraction: float,
    columns: Sequence[str],
    classes: tuple[str, ...] = (),
) -> Splits:
    """Return both parts, with each class in its share of both.

    Args:
        features: [n, features].
        targets: [n].
        fraction: of the samples that are held out.
        columns: names of the features.
        classes: their names; none for numbers.
    """
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(targets))
    train, held = train_test_split(
        rows,
        test_size=fraction,
        random_state=0,
        stratify=targets if classes else None,
    )
    inputs, goals = torch.from_numpy(features.astype(np.float32)), torch.from_numpy(targets)
    names = [str(name) for name in columns]
    return Splits(
        Samples(inputs[train], goals[train]),
        Samples(inputs[held], goals[held]),
        classes=classes,
        kind="table",
        reader=NumberRows(names),
        facts=partial(_facts, features[held], held, names),
    )


def _facts(features: np.ndarray, rows: np.ndarray, columns: Sequence[str]) -> Facts:
    """Return where held-out rows are in scikit-learn's table, and their measures as texts."""
    cells = {
        name: [f"{value:g}" for value in column]
        for name, column in zip(columns, features.T, strict=True)
    }
    return Facts([f"row {row}" for row in rows], False, cells)
