"""Every preset states what it reaches, and README shows it."""

from pathlib import Path

import pytest

from tests.catalogue.table import BEGIN_MARK, END_MARK, catalogue_table, read_figures
from tuitrain.config.folders import built_in_preset_directory

README = Path(__file__).parents[2] / "README.md"


def test_every_preset_says_what_it_reaches_and_nothing_else_does() -> None:
    presets = {path.stem for path in built_in_preset_directory().glob("*.toml")}
    assert set(read_figures()) == presets


def test_the_readme_holds_the_table_of_this_version() -> None:
    _, begin, rest = README.read_text("utf-8").partition(BEGIN_MARK)
    text, end, _ = rest.partition(END_MARK)
    assert begin and end, "README.md lacks the marks around the catalogue"
    expected = catalogue_table(list(read_figures().values()))
    assert text.strip() == expected, "python -m tests.catalogue.table prints it"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ('[one]\nmetric = "val/loss"\nreached = 1\nseconds = 1', "one stands in a.toml and in b"),
        ('[two]\nmetric = "val/loss"', "two needs nothing, so it must state a figure"),
    ],
)
def test_figures_that_contradict_or_are_missing_are_told(
    tmp_path: Path, other: str, said: str
) -> None:
    (tmp_path / "a.toml").write_text('[one]\nmetric = "val/loss"\nneeds = "download"')
    (tmp_path / "b.toml").write_text(other)
    with pytest.raises(ValueError, match=said):
        read_figures(tmp_path)
