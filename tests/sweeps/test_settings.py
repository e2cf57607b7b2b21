"""What a sweep's file may say, what is wrong with it, and how `--set` lists values."""

import pytest

from tuitrain.errors import PresetError, UsageError
from tuitrain.sweeps.groups import groups, half_width, verdict
from tuitrain.sweeps.settings import find_sweep, parse_sweep, read_sweep, with_seeds
from tuitrain.sweeps.space import Dimension, decode, encode, overrides_of, split_values
from tuitrain.sweeps.table import SweepTable, TrialRow
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.spans import plain_text
from tuitrain.view.sweep import axis_lines, best_line, group_table, trial_line


def faults(sweep: str, space: str = "'optimizer.lr' = { log = [1e-4, 1e-1] }") -> str:
    with pytest.raises(PresetError) as told:
        parse_sweep(f"[sweep]\n{sweep}\n[sweep.space]\n{space}", "s.toml", "s")
    return str(told.value)


def test_keys_may_be_dotted_in_quotes_or_stand_in_tables() -> None:
    text = """
    preset = "digits-mlp"
    [sweep]
    metric = "val/accuracy"
    parallel = 2
    [sweep.space]
    "model.hidden" = { choice = [[256], [512, 256]] }
    optimizer.lr = { log = [1e-4, 1e-1] }
    [sweep.space.train]
    batch_size = { int = [16, 256], log = true }
    """
    sweep = parse_sweep(text, "s.toml", "s")
    assert [each.key for each in sweep.space] == [
        "model.hidden",
        "optimizer.lr",
        "train.batch_size",
    ]
    assert [each.log for each in sweep.space] == [False, True, True]
    assert (sweep.preset, sweep.budget, sweep.settings.sampler) == ("digits-mlp", 20, "tpe")


@pytest.mark.parametrize(
    ("sweep", "space", "words"),
    [
        ("trails = 3", "", "s.toml: sweep.trails: unknown"),
        ("trials = -1", "", "s.toml: sweep.trials: found -1"),
        ('sampler = "best"', "", 's.toml: sweep.sampler: found "best"'),
        ("", "x = 3", "s.toml: sweep.space.x: found 3, must be {"),
        ("", "x = { log = [0, 1] }", "sweep.space.x: log: on a logarithmic scale"),
        ("", "x = { uniform = [2, 1] }", "sweep.space.x: uniform: must be two numbers"),
        ("", "x = { int = [1, 2.5] }", "sweep.space.x: int: must be two whole numbers"),
        ("", "x = { choice = [1, 1] }", "sweep.space.x: choice: 1 is listed twice"),
        ("", "x = { choice = [] }", "sweep.space.x: choice: must be a list"),
        ("", "x = { log = [1, 2], choice = [1] }", "sweep.space.x: has log, choice, must be"),
        ('sampler = "grid"', "x = { log = [1, 2] }", "of a grid must be { choice = [...] }"),
        ('sampler = "grid"\ntrials = 3', "x = { choice = [1] }", "a grid has as many as it has"),
        ("repeat = 3", "x = { choice = [1, 2] }", "sweep.repeat: found 3, with sampler tpe"),
        ('sampler = "cmaes"', "x = { choice = [1] }", "cmaes takes ranges of numbers only"),
    ],
)
def test_every_fault_is_named_with_what_is_allowed(sweep: str, space: str, words: str) -> None:
    assert words in (faults(sweep, space) if space else faults(sweep))


def test_a_file_without_a_space_is_no_sweep() -> None:
    with pytest.raises(PresetError, match=r"must have the tables \[sweep\] and \[sweep.space\]"):
        parse_sweep('name = "digits"', "s.toml", "s")
    with pytest.raises(UsageError, match="no sweep 'nothing': a TOML file, or one of: compare-"):
        find_sweep("nothing")
    with pytest.raises(UsageError, match="digits-mlp is a preset: what to try is in a file"):
        find_sweep("digits-mlp")


def test_repeats_are_an_axis_of_seeds() -> None:
    sweep = read_sweep(find_sweep("compare-optimizers"))
    assert sweep.preset == "digits-mlp"
    repeated = with_seeds(sweep, 7)
    assert repeated.space[-1] == Dimension("train.seed", "choice", choices=(7, 8, 9))
    assert repeated.budget == 3 * len(sweep.points)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("optimizer.lr=1e-4,1e-3", ["optimizer.lr=1e-4", "optimizer.lr=1e-3"]),
        ("optimizer.name=sgd, adam", ["optimizer.name=sgd", "optimizer.name=adam"]),
        ("model.hidden=[64, 32]", ["model.hidden=[64, 32]"]),
        ("model.hidden=[64, 32],[8]", ["model.hidden=[64, 32]", "model.hidden=[8]"]),
        ('name="a,b"', ['name="a,b"']),
        ("name='a,b','c'", ["name='a,b'", "name='c'"]),
        ("data.augment=[{name = 'x', by = 1}]", ["data.augment=[{name = 'x', by = 1}]"]),
        ("train.epochs=5", ["train.epochs=5"]),
        ("train.epochs=5,", ["train.epochs=5,"]),
    ],
)
def test_values_are_parted_at_commas_that_part_values(text: str, parts: list[str]) -> None:
    assert split_values(text) == parts


def test_values_that_optuna_knows_none_of_are_kept_for_it_as_text() -> None:
    dimension = Dimension("k", "choice", choices=([1, 2], "a", 1, True, 1.0))
    for value in dimension.choices:
        found = decode(dimension, encode(value))
        assert (found, type(found)) == (value, type(value))
    assert overrides_of({"a.b": [1, 2], "c": "x", "d": 1e-05, "e": True}) == [
        "a.b=[1, 2]", 'c="x"', "d=1e-05", "e=true",
    ]  # fmt: skip


# --- what is said of it ---------------------------------------------------------------------------


def row(number: int, value: float | None, state: str = "complete", **point: object) -> TrialRow:
    curve = () if value is None else (value + 1, value)
    return TrialRow(number, state, f"run-{number}", point, value, 2.0, curve)


def optimizers(*values: tuple[str, list[float]]) -> SweepTable:
    rows = [
        row(10 * i + seed, value, **{"optimizer.name": name, "train.seed": seed})
        for i, (name, each) in enumerate(values)
        for seed, value in enumerate(each)
    ]
    keys = ("optimizer.name", "train.seed")
    return SweepTable("val/accuracy", "max", len(rows), 2, "finished", keys, tuple(rows))


def test_points_are_judged_over_their_seeds() -> None:
    table = optimizers(
        ("sgd", [0.80, 0.81, 0.82]), ("adam", [0.95, 0.96, 0.97]), ("adamw", [0.94, 0.97, 0.965])
    )
    found = groups(table)
    assert [group.words for group in found] == ["adam", "adamw", "sgd"]
    # Student's t of three values a hundredth apart: 4.303 * 0.01 / sqrt(3).
    assert found[0].reach == pytest.approx(0.02484, abs=1e-5)
    assert verdict(found) == (
        "adam has the best mean; better than sgd beyond the chance of the seed; not told apart "
        "from adamw by these seeds"
    )
    assert half_width([1.0]) is None
    assert group_table(table).splitlines()[1].split() == ["adam", "0.9600", "+-", "0.0248", "3"]
    one = optimizers(("sgd", [0.8]), ("adam", [0.9]))
    assert "beyond" not in group_table(one)


def test_the_best_lie_as_digits_on_the_axes() -> None:
    points = [(1e-4, "tanh"), (1e-2, "relu"), (1.0, "relu")]
    rows = [
        row(i, value, **{"optimizer.lr": lr, "model.activation": act})
        for i, ((lr, act), value) in enumerate(zip(points, (0.3, 0.1, 0.2), strict=True))
    ]
    rows.append(row(3, None, "failed", **{"optimizer.lr": 1.0, "model.activation": "relu"}))
    keys = ("optimizer.lr", "model.activation")
    table = SweepTable("val/loss", "min", 4, 1, "running", keys, tuple(rows))
    look = TerminalStyle(ascii=True, colour=False)
    rate, activation = [plain_text(line) for line in axis_lines(table, 60, look)]
    axis = rate[rate.index("3") : rate.index("2") + 1]
    assert abs(axis.index("1") - (len(axis) - 1) / 2) <= 1
    assert activation.index("3") > activation.index("1")
    assert "best  val/loss 0.1000" in plain_text(best_line(table, 60))
    assert [each.number for each in table.ranked] == [1, 2, 0, 3]
    line = plain_text(trial_line(table.ranked[0], table, 80, look))
    assert line.split()[:3] == ["1", "complete", "0.1000"]
    assert line.endswith("lr 0.01  activation relu")
