"""Tables of people's own: what is read, what is made of it, and what is said of faults."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_loop import Course
from tuitrain.components import DataContext, Splits
from tuitrain.components.datasets.tables import csv
from tuitrain.errors import DataUnavailableError

PEOPLE = ["age,town,income,glad"] + [
    f"{20 + n % 30},{('Bern', 'Oslo', 'Rome')[n % 3]},{1000 + 10 * n},{'yes' if n % 2 else 'no'}"
    for n in range(40)
]


def read(
    folder: Path, lines: list[str] | bytes, *, task: str = "classification", **options: Any
) -> Splits:
    """Read a table as a run of the task would; keeps what it warns of in `read.warnings`."""
    data = lines if isinstance(lines, bytes) else "\n".join(lines).encode()
    (folder / "own.csv").write_bytes(data)
    warnings.clear()
    context = DataContext(
        folder,
        lambda _text: None,
        warnings.append,
        has_classes=task == "classification",
        task=task,
    )
    return csv(context, path="own.csv", **{"target": "glad", **options})


warnings: list[str] = []


def test_numbers_and_categories_become_features_and_texts_classes(tmp_path: Path) -> None:
    splits = read(tmp_path, PEOPLE)
    assert splits.classes == ("no", "yes")
    assert (len(splits.train), len(splits.validation)) == (32, 8)
    assert splits.validation.targets.sum() == 4
    # Two numbers, then Bern, Oslo and Rome.
    first = splits.train.inputs[0]
    assert splits.train.inputs.shape == (32, 5)
    assert first[0] >= 20 and first[1] >= 1000 and first[2:].tolist() in torch.eye(3).tolist()


def test_the_same_rows_are_held_out_by_seed(tmp_path: Path) -> None:
    one, same, other = (read(tmp_path, PEOPLE, split_seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.validation.inputs, same.validation.inputs)
    assert not torch.equal(one.validation.inputs, other.validation.inputs)


def test_categories_of_the_training_part_have_codes_and_others_have_0(tmp_path: Path) -> None:
    (tmp_path / "later.csv").write_text("glad,town,age,income\nyes,Paris,30,5\nno,Oslo,31,5\n")
    options = {"validation": "later.csv", "features": ["town", "age"]}
    splits = read(tmp_path, PEOPLE, encode="codes", **options)
    assert splits.codes == (4,)
    assert splits.validation.inputs.tolist() == [[30, 0], [31, 2]]
    one_hot = read(tmp_path, PEOPLE, **options)
    assert one_hot.validation.inputs.tolist() == [[30, 0, 0, 0], [31, 0, 1, 0]]


def test_regression_takes_one_number_or_several(tmp_path: Path) -> None:
    one = read(tmp_path, PEOPLE, task="regression", target="income")
    assert one.train.targets.shape == (32,)
    both = read(tmp_path, PEOPLE, task="regression", target=["income", "age"], drop=["glad"])
    assert (both.train.targets.shape, both.train.inputs.shape) == ((32, 2), (32, 3))


def test_binary_takes_two_classes_as_0_and_1(tmp_path: Path) -> None:
    splits = read(tmp_path, PEOPLE, task="binary")
    assert set(splits.train.targets.tolist()) == {0.0, 1.0}
    assert splits.classes == ("no", "yes")


GAPS = [*PEOPLE, ",Oslo,7,yes", "NaN,Rome,8,no"]


def test_missing_values_are_refused_filled_or_their_rows_left_out(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailableError, match=r"lacks values: age 2 \(line 42\).*\"drop\""):
        read(tmp_path, GAPS)
    splits = read(tmp_path, GAPS, missing="drop")
    assert len(splits.train) + len(splits.validation) == 40
    assert warnings == [
        f"2 of 42 rows of {tmp_path}/own.csv left out, as values are missing: age 2 (line 42)"
    ]
    filled = read(tmp_path, GAPS, missing="mean")
    assert len(filled.train) + len(filled.validation) == 42
    ages = torch.cat([filled.train.inputs[:, 0], filled.validation.inputs[:, 0]])
    assert ages.isfinite().all() and ages.min() >= 20


@pytest.mark.parametrize(
    "data",
    [
        "\n".join(PEOPLE).encode("utf-8-sig"),
        "\n".join(PEOPLE).encode("utf-16"),
        "\r\n".join(PEOPLE).encode(),
        "\n\n".join(PEOPLE).replace(",", ";").encode(),
        "\n".join(PEOPLE).replace(",", "\t").encode(),
        "\n".join('"' + line.replace(",", '","') + '"' for line in PEOPLE).encode(),
    ],
    ids=["bom", "utf-16", "crlf", "semicolons and blank lines", "tabs", "quoted"],
)  # fmt: skip
def test_marks_ends_and_separators_are_told_from_the_file(tmp_path: Path, data: bytes) -> None:
    plain, other = read(tmp_path, PEOPLE), read(tmp_path, data)
    assert torch.equal(plain.train.inputs, other.train.inputs)


def test_decimal_commas_and_other_encodings_are_read_where_named(tmp_path: Path) -> None:
    data = "höhe;glad\n" + "".join(f"{n},5;{'jä' if n % 2 else 'nö'}\n" for n in range(10))
    with pytest.raises(DataUnavailableError, match=r"line 1: it is not utf-8 text.*latin-1"):
        read(tmp_path, data.encode("latin-1"))
    splits = read(tmp_path, data.encode("latin-1"), encoding="latin-1", decimal=",")
    assert splits.classes == ("jä", "nö")
    assert (splits.train.inputs % 1 == 0.5).all()


@pytest.mark.parametrize(
    ("lines", "options", "expected"),
    [
        (PEOPLE, {"target": "glat"}, "data.target = glat: there is no .*did you mean glad"),
        (PEOPLE, {"drop": ["Age"]}, "data.drop = Age: .*did you mean age"),
        (PEOPLE, {"features": ["glad"]}, "can't be a feature as well"),
        (PEOPLE, {"drop": ["age", "town", "income"]}, "no column is left to learn from"),
        ([*PEOPLE, "2x,Oslo,1,no"], {}, "line 42, column age: '2x' is no number; correct it"),
        ([*PEOPLE, "2,Oslo,1"], {}, "line 42: the row has 3 cells, there are 4 columns"),
        (PEOPLE, {"target": "income"}, "40 different values in 40 rows: these are no classes"),
        (PEOPLE, {"target": "town", "task": "regression"}, "column town: 'Bern' is no number"),
        (PEOPLE, {"target": "town", "task": "binary"}, "3 different values .*there must be two"),
        (PEOPLE[:1], {}, "has column names and no rows"),
        (b"", {}, "is empty"),
        (["1,2", "3,4"], {}, "first row holds numbers only"),
        (["a,,c", "1,2,3"], {}, "column 2 has no name"),
        (["a,a,glad", "1,2,3"], {}, "there are two columns a"),
        (b"a,glad\n\0,1\n", {}, "holds zero bytes"),
        (PEOPLE, {"encoding": "klingon"}, "encoding = klingon: python knows no such"),
        (PEOPLE, {"validation": "none.csv"}, "none.csv: there is no such file"),
    ],
)  # fmt: skip
def test_faults_are_told_in_one_sentence_with_their_place(
    tmp_path: Path, lines: Any, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(DataUnavailableError, match=expected) as caught:
        read(tmp_path, lines, **options)
    assert "\n" not in str(caught.value)


PRESET = """
name = "people"
task = "binary"
[data]
name = "csv"
path = "own.csv"
target = "glad"
encode = "{encode}"
[model]
name = "{model}"
hidden = [16]
[train]
epochs = 30
batch_size = 8
threads = 1
[optimizer]
name = "adamw"
lr = 1e-2
"""


@pytest.mark.parametrize(("model", "encode"), [("mlp", "one_hot"), ("table_mlp", "codes")])
def test_a_table_is_learned_by_models_for_numbers_and_for_codes(
    tmp_path: Path, model: str, encode: str
) -> None:
    lines = ["town,noise,glad"]
    lines += [f"{'ABCD'[n % 4]},{n * 7 % 5},{int(n % 4 < 2)}" for n in range(120)]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    course = Course(tmp_path, PRESET.replace("{model}", model).replace("{encode}", encode))
    assert course.last_evaluation["val/accuracy"] == 1.0
    if encode == "codes":
        inputs = course.parts.data.train.inputs[:, 1]
        assert set(inputs.tolist()) == {1.0, 2.0, 3.0, 4.0}


def test_targets_come_in_the_unit_that_is_asked_for(tmp_path: Path) -> None:
    options = {"task": "regression", "target": "income", "drop": ["glad"]}
    plain = read(tmp_path, PEOPLE, **options)
    thousands = read(tmp_path, PEOPLE, target_unit=1000.0, **options)
    assert torch.allclose(thousands.train.targets * 1000, plain.train.targets)
