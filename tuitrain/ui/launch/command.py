"""The command that starts the same run as a form, and why a form may not start one.

Pure functions of settings; knows nothing of widgets.
"""

from pathlib import Path

from tuitrain.config.editing.shortest import shortest_overrides
from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError
from tuitrain.lang import tr
from tuitrain.runs.directory import runs_root
from tuitrain.supervisor.launch import own_code
from tuitrain.ui.launch.opening import Opened
from tuitrain.view.launchtext import command_words


def run_command(
    opened: Opened, preset: Preset, name: str, root: Path, data_dir: Path | None
) -> list[str]:
    """Return the words of the command; none where no options make its file right.

    Args:
        opened: what the form began with.
        preset: what its settings amount to.
        name: of the run; empty: one is made up.
        root: the folder of all runs.
        data_dir: where data sets are kept, when not the default.
    """
    try:
        overrides = shortest_overrides(opened.text, preset)
    except TuitrainError:
        return []
    usual = root.absolute() == runs_root(None).absolute()
    return command_words(
        opened.argument,
        overrides,
        name=name,
        runs_dir="" if usual else str(root),
        data_dir=str(data_dir) if data_dir is not None else "",
    )


def untrusted(preset: Preset, config: Path | None) -> str:
    """Return why a run's settings may not be started here: they name code of who knows whom.

    Args:
        preset: the settings.
        config: the config.toml of the run that they are of; None: they are the user's own.
    """
    if config is None or not own_code(preset):
        return ""
    return tr(
        "this run's settings name code outside tuitrain ({preset}); if you trust "
        "it, start it with: tuitrain run {config}",
        preset=", ".join(own_code(preset)),
        config=config,
    )
