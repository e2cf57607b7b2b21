"""Files that a command writes: there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tuitrain.errors import UsageError
from tuitrain.whole_file import written_whole


def check_file(path: Path, endings: tuple[str, ...]) -> str:
    """Return what a file's name ends in, without the dot, before any work is done for it.

    Raises:
        UsageError: it is none of `endings`, or there is no such folder.
    """
    found = path.suffix.removeprefix(".").lower()
    if found not in endings:
        allowed = ", ".join(f".{ending}" for ending in endings)
        raise UsageError(
            f"-o {path}: the name must end in one of {allowed}, which say what is written"
        )
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: there is no folder {path.parent}")
    return found


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a file to be written, which takes the place of `path` once it is whole.

    A link stays, and what it leads to is written; so does a device or a pipe, as /dev/stdout is.

    Raises:
        UsageError: the folder does not exist or can't be written.
    """
    is_stream = path.exists() and not path.is_file()
    try:
        with nullcontext(path) if is_stream else written_whole(path.resolve()) as draft:
            yield draft
    except OSError as error:
        raise UsageError(f"-o {path}: can't be written ({error.strerror or error})") from error
