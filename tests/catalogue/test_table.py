"""Every preset states what it reaches, and the help shows it."""

from pathlib import Path

import pytest

from tests.catalogue.table import read_figures
from tuitrain.config.folders import built_in_preset_directory


def test_every_preset_says_what_it_reaches_and_nothing_else_does() -> None:
    presets = {path.stem for path in built_in_preset_directory().glob("*.toml")}
    assert set(read_figures()) == presets


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
