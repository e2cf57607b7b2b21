"""Small tables: each preset trains to the figure that it states."""

from pathlib import Path

import pytest

from tests.catalogue.table import read_figures
from tests.catalogue.training import best

FIGURES = [figure for figure in read_figures().values() if figure.file == "tables.toml"]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.preset)
def test_a_preset_reaches_its_figure(tmp_path: Path, figure) -> None:
    value = best(tmp_path, figure)
    assert figure.met(value), f"{figure.metric} {value}, stated {figure.reached}"
