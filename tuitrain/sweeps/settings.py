"""What a sweep is to do: `[sweep]` and `[sweep.space]` of a TOML file.

Knows keys and their values; nothing of Optuna or of runs.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from tuitrain.config.checking.components import UNKNOWN, wrong_value
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.presets import preset_names
from tuitrain.config.schema import Section
from tuitrain.config.source import read_text
from tuitrain.config.wording import show
from tuitrain.errors import PresetError, UsageError
from tuitrain.sweeps.space import Dimension, grid, read_space

SEED = "train.seed"
_MOST_POINTS = 10_000


class SweepSection(Section):
    """The keys of `[sweep]` beside the space."""

    metric: str = Field("", description="What decides; empty: what decides of checkpoints.")
    mode: Literal["min", "max", ""] = Field(
        "", description="Whether less or more of it is better; empty: as its name tells."
    )
    trials: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="How many; 0: all points of a grid, and else 20."
    )
    parallel: Annotated[int, Field(ge=0, le=256)] = Field(
        1, description="Trials at a time; 0: one for each GPU of the box."
    )
    sampler: Literal["grid", "random", "tpe", "cmaes"] = Field(
        "tpe", description="What chooses the next point."
    )
    pruner: Literal["none", "median", "hyperband"] = Field(
        "none", description="What stops trials that fall behind others."
    )
    min_epochs: Annotated[int, Field(ge=0)] = Field(
        1, description="No trial is pruned before so many epochs."
    )
    startup: Annotated[int, Field(ge=0)] = Field(
        5, description="So many trials are over before the median prunes, or TPE leaves chance."
    )
    repeat: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Of a grid: each point with so many seeds, beginning with the preset's."
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Of the sampler.")
    when_free: bool = Field(
        False, description="Trials wait in the box's queue for a GPU or slot each."
    )


class Sweep(Section):
    """A sweep as it is to be done."""

    name: str
    preset: str = ""
    """That the file names; empty: the command line does."""
    settings: SweepSection
    space: tuple[Dimension, ...]

    @property
    def points(self) -> list[dict[str, Any]]:
        """Every point of a grid; none of any other sweep."""
        return grid(self.space) if self.settings.sampler == "grid" else []

    @property
    def budget(self) -> int:
        """How many trials there will be."""
        return len(self.points) or self.settings.trials or 20


def read_sweep(path: Path) -> Sweep:
    """Read a sweep's file.

    Raises:
        PresetError: it can't be read, or has faults; the text has a line for each.
    """
    return parse_sweep(read_text(path), str(path), path.stem)


def parse_sweep(text: str, source: str, name: str) -> Sweep:
    """Read a sweep from TOML text; `source` is the file's name for messages.

    Raises:
        PresetError: the text has faults.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PresetError(f"{source}: {error}") from error
    table = plain.get("sweep")
    if not isinstance(table, dict) or not isinstance(table.get("space"), dict):
        raise PresetError(
            f"{source}: must have the tables [sweep] and [sweep.space], as `tuitrain help sweeps` "
            "shows"
        )
    faults = [(key, UNKNOWN) for key in plain if key not in ("sweep", "preset")]
    keys = {key: value for key, value in table.items() if key != "space"}
    settings, more = _settings(keys)
    space, wrong = read_space(table["space"])
    faults += [*more, *((f"sweep.space.{key}", words) for key, words in wrong)]
    if settings is not None and not faults:
        faults += _together(settings, space)
    if faults or settings is None:
        raise PresetError("\n".join(f"{source}: {key}: {words}" for key, words in faults))
    return with_seeds(Sweep(name=name, preset=plain.get("preset", ""), settings=settings,
                            space=tuple(space)))  # fmt: skip


def _settings(keys: Mapping[str, Any]) -> tuple[SweepSection | None, list[tuple[str, str]]]:
    known = SweepSection.model_fields
    unknown = [key for key in keys if key not in known]
    if unknown:
        allowed = ", ".join([*known, "space"])
        return None, [(f"sweep.{key}", f"{UNKNOWN}, allowed: {allowed}") for key in unknown]
    try:
        return SweepSection.model_validate(dict(keys)), []
    except ValidationError as error:
        wrong = {str(each["loc"][0]) for each in error.errors(include_url=False)}
        return None, [(f"sweep.{key}", wrong_value(SweepSection, key, keys)) for key in wrong]


def _together(settings: SweepSection, space: Sequence[Dimension]) -> list[tuple[str, str]]:
    """Return what does not go together."""
    faults = []
    if not space:
        faults.append(("sweep.space", "has no setting"))
    ranges = [each.key for each in space if each.kind != "choice"]
    if settings.sampler == "grid":
        faults += [(f"sweep.space.{key}", "of a grid must be { choice = [...] }") for key in ranges]
        if settings.trials:
            faults.append(("sweep.trials", "a grid has as many as it has points: leave it out"))
        if not ranges and len(grid(space)) * settings.repeat > _MOST_POINTS:
            faults.append(("sweep.space", f"has more than {_MOST_POINTS:,} points"))
    elif settings.repeat > 1:
        found = f"found {show(settings.repeat)}, with sampler {settings.sampler}"
        faults.append(("sweep.repeat", f"{found}: only a grid is repeated with other seeds"))
    if settings.repeat > 1 and any(each.key == SEED for each in space):
        faults.append(("sweep.repeat", f"{SEED} is in the space already"))
    if settings.sampler == "cmaes" and len(ranges) < len(space):
        faults.append(("sweep.sampler", "cmaes takes ranges of numbers only, no choice"))
    return faults


def with_seeds(sweep: Sweep, first: int | None = None) -> Sweep:
    """Return a sweep with its repeats as a dimension, once the preset's seed is known."""
    if sweep.settings.repeat == 1 or first is None:
        return sweep
    seeds = tuple(range(first, first + sweep.settings.repeat))
    return sweep.model_copy(
        update={"space": (*sweep.space, Dimension(SEED, "choice", choices=seeds))}
    )


def find_sweep(text: str) -> Path:
    """Return the file of a sweep: a path, or the name of one that comes with the program.

    Raises:
        UsageError: there is none.
    """
    path = Path(text)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise UsageError(f"{text}: there is no such sweep file")
        return path
    folder = built_in_preset_directory() / "sweeps"
    built_in = folder / f"{text}.toml"
    if built_in.is_file():
        return built_in
    if text in preset_names():
        raise UsageError(
            f"{text} is a preset: what to try is in a file, `tuitrain sweep {text} --sweep FILE` "
            f"(tuitrain help sweeps), or in values, `tuitrain run {text} --set KEY=A,B`"
        )
    names = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
    raise UsageError(f"no sweep {text!r}: a TOML file, or one of: {names}")
