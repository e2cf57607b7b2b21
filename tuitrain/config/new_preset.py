"""Writes a preset that was made for somebody's own data.

Knows files and whether a preset is valid; nothing of data.
"""

import shlex
from pathlib import Path

from tuitrain.errors import UsageError


def save_preset(path: Path, text: str, argument: str, *, force: bool = False) -> None:
    """Check a preset and write it, below a head that says how to train it.

    Args:
        path: the file; its folder is made where there is none.
        text: the preset.
        argument: what `tuitrain run` is to take for it.
        force: overwrite the file.

    Raises:
        PresetError: the text is no preset.
        UsageError: the file exists and `force` is not given, or it can't be written.
    """
    from tuitrain.config.load import parse_preset

    name = parse_preset(text, str(path)).name
    head = f"# {name}: made by `tuitrain new`.\n#\n#   tuitrain run {shlex.quote(argument)}\n\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(head + text)
    except FileExistsError:
        raise UsageError(f"{path} exists already: --force overwrites it") from None
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error
