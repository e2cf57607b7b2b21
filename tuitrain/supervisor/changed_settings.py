"""With which settings a run goes on: those on record, and what the user changes with the resume.

Knows presets and records; nothing of processes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.config.changes import (
    LENGTH,
    Change,
    differences,
    keys_within,
    live_settings,
    set_options,
)
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.config.overrides import parse_override
from tuitrain.config.schema import Preset
from tuitrain.config.source import read_text
from tuitrain.errors import PresetError, UsageError
from tuitrain.runs.config import record_config, recorded_config, write_config
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import StateRow

_EARLY = "early stop:"
_EPOCH_NOISE = 1e-6


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings that a run goes on with."""

    preset: Preset
    changes: tuple[Change, ...]
    """What is no longer as recorded."""
    named: frozenset[str]
    """The keys that the user gave a value, whether it differs or not."""
    file_missing: bool = False

    @property
    def live(self) -> tuple[tuple[str, float], ...]:
        """The live settings among those that the user named."""
        return live_settings(self.preset, self.named)

    def put_on_record(self, directory: RunDirectory) -> None:
        """Record what changes, and let config.toml say what is on record.

        Raises:
            RunBusyError: the run is live.
            RecordError: the record can't be written.
            FolderError: the file can't be written.
        """
        if self.changes:
            record_config(directory, to_toml(self.preset))
        elif self.file_missing:
            write_config(directory, to_toml(self.preset))


def settle(directory: RunDirectory, settings: Sequence[str]) -> Settled:
    """Return the settings that the run goes on with; writes nothing.

    Raises:
        UsageError: config.toml was edited by hand, or a setting can't be changed.
        PresetError: a setting is at fault.
    """
    path = directory.config_path
    text = recorded_config(directory)
    # A run of an older version has its settings in the file alone.
    recorded = parse_preset(read_text(path) if text is None else text, str(path))
    paths = [parse_override(each)[0] for each in settings]
    preset = parse_preset(to_toml(recorded), str(path), settings) if settings else recorded
    named = frozenset(key for each in paths for key in keys_within(each, preset))
    changes = tuple(differences(recorded, preset))
    _refuse_fixed(directory, [change for change in changes if not change.allowed])
    missing = text is not None and not path.exists()
    if not missing:
        _refuse_edits(directory, recorded, named)
    return Settled(preset, changes, named, missing)


def _refuse_fixed(directory: RunDirectory, fixed: Sequence[Change]) -> None:
    if not fixed:
        return
    keys = ", ".join(change.key for change in fixed)
    raise UsageError(
        f"{keys} can't be changed on a resume: it would be another run. `tuitrain run "
        f"{directory.config_path} {set_options(fixed)}` trains anew; where the model stays, "
        "--set train.weights_from=CHECKPOINT lets it begin with this run's weights."
    )


def _refuse_edits(directory: RunDirectory, recorded: Preset, named: frozenset[str]) -> None:
    """Raise where config.toml says what neither the record nor the user's options say."""
    path = directory.config_path
    undo = f"to go on as recorded, delete {path}: it is then written again from the record"
    try:
        edits = differences(recorded, parse_preset(read_text(path), str(path)))
    except PresetError as error:
        raise UsageError(f"{error}\nconfig.toml was changed by hand since; {undo}.") from error
    edits = [edit for edit in edits if edit.key not in named]
    if not edits:
        return
    lines = [f"  {edit}{'' if edit.allowed else '  (not on a resume)'}" for edit in edits]
    options = set_options(edit for edit in edits if edit.allowed)
    change = f"to change it, `tuitrain resume {directory.id} {options}`; " if options else ""
    raise UsageError(
        "\n".join([f"{path} was changed by hand, which a resume does not take over:", *lines])
        + f"\n{change}{undo}."
    )


# --- how long the run is ------------------------------------------------------------------------


def check_length(reader: RunReader, chosen: Settled, checkpoint: str) -> None:
    """Refuse where there is nothing left to train.

    Raises:
        UsageError: the run is finished, or the new settings end it before where it stands.
    """
    state, run = reader.state(), reader.directory
    changed = {change.key for change in chosen.changes}
    if state.state == "finished" and not checkpoint:
        _check_extension(state, run.id, changed)
    if changed & LENGTH:
        _check_end(chosen.preset, *_stand(reader, checkpoint))


def _check_extension(state: StateRow, run_id: str, changed: set[str]) -> None:
    over = f"{run_id} is finished ({state.reason})"
    if state.reason.startswith(_EARLY):
        if not any(key.startswith("stop.") for key in changed):
            raise UsageError(
                f"{over}: there is nothing to resume; `tuitrain resume {run_id} --set "
                "stop.patience=N` goes on with more patience, 0 without an end"
            )
    elif not changed & LENGTH:
        raise UsageError(
            f"{over}: there is nothing to resume; `tuitrain resume {run_id} --set "
            "train.epochs=N` trains it for longer, N epochs in all"
        )


def _stand(reader: RunReader, checkpoint: str) -> tuple[int, float]:
    """Return the step and the epoch that training will go on from, as far as the record knows."""
    rows = [row for row in reader.entries.checkpoints() if row.removed is None]
    if checkpoint:
        rows = [row for row in rows if row.path == checkpoint]
    else:
        rows = [row for row in rows if not row.superseded]
    if not rows:
        return 0, 0.0
    step = max(row.step for row in rows)
    at = reader.steps.progress_at(step)
    return step, at.epoch if at else 0.0


def _check_end(preset: Preset, step: int, epoch: float) -> None:
    train = preset.train
    if train.epochs <= epoch + _EPOCH_NOISE:
        least = math.floor(epoch + _EPOCH_NOISE) + 1
        raise UsageError(
            f"train.epochs = {train.epochs}: {epoch:.4g} epochs are done (step {step}), so it "
            f"must be at least {least}"
        )
    if train.max_steps and train.max_steps <= step:
        raise UsageError(
            f"train.max_steps = {train.max_steps}: step {step} is done, so it must be more, or 0 "
            "for no such limit"
        )
