"""The figures of all presets as one Markdown table: `python -m tests.catalogue.table` prints it."""

import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.load import load_preset
from tuitrain.config.monitors import default_mode

FOLDER = Path(__file__).parent
BEGIN_MARK = "<!-- catalogue: begin -->"
END_MARK = "<!-- catalogue: end -->"
COLUMNS = ("preset", "what", "metric", "reached", "course", "time", "cores", "needs")


@dataclass(frozen=True, slots=True)
class Figure:
    """What one preset is said to reach, as its file in this folder has it."""

    preset: str
    file: str
    metric: str
    reached: float | None = None
    seconds: float | None = None
    cores: int = 1
    course: float | None = None
    needs: str = ""

    @property
    def path(self) -> Path:
        return built_in_preset_directory() / f"{self.preset}.toml"

    @property
    def larger_is_better(self) -> bool:
        task = read_catalogue().tasks.get(load_preset(self.path).task)
        return default_mode(self.metric, task) == "max"

    def met(self, value: float) -> bool:
        """Return whether a value is as good as the one stated."""
        if self.reached is None:
            raise ValueError(f"{self.file}: {self.preset} states no figure")
        return value >= self.reached if self.larger_is_better else value <= self.reached


def read_figures(folder: Path = FOLDER) -> dict[str, Figure]:
    """Return the figures of every family's file, by preset.

    Raises:
        ValueError: a preset stands in two files, or states no figure and needs nothing.
    """
    figures: dict[str, Figure] = {}
    for path in sorted(folder.glob("*.toml")):
        for name, values in tomllib.loads(path.read_text("utf-8")).items():
            if name in figures:
                raise ValueError(f"{name} stands in {figures[name].file} and in {path.name}")
            figure = figures[name] = Figure(preset=name, file=path.name, **values)
            if not figure.needs and (figure.reached is None or figure.seconds is None):
                raise ValueError(f"{path.name}: {name} needs nothing, so it must state a figure")
    return figures


def catalogue_table(figures: Sequence[Figure]) -> str:
    """Return the table, by task and name, without the marks around it."""
    rows = sorted((load_preset(figure.path).task, figure.preset, figure) for figure in figures)
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(_row(figure) for _task, _name, figure in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(figure: Figure) -> tuple[str, ...]:
    reached = "-" if figure.reached is None else f"{_sign(figure)} {figure.reached:g}"
    return (
        f"`{figure.preset}`",
        load_preset(figure.path).description.replace("|", "\\|"),
        figure.metric,
        reached,
        "-" if figure.course is None else f"{figure.course:g}",
        "-" if figure.seconds is None else f"{figure.seconds:g} s",
        str(figure.cores),
        figure.needs or "nothing",
    )


def _sign(figure: Figure) -> str:
    return ">=" if figure.larger_is_better else "<="


if __name__ == "__main__":
    sys.stdout.write(catalogue_table(list(read_figures().values())) + "\n")
