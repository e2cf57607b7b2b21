"""Libraries of the extras: imported where one is needed, or refused with what installs it."""

from importlib import import_module
from types import ModuleType

from tuitrain.errors import UsageError


def require(module: str, extra: str, what: str) -> ModuleType:
    """Return a library's module.

    Args:
        module: as in `import`.
        extra: which of `tuitrain[...]` brings it.
        what: needs it, as the first words of a sentence.

    Raises:
        UsageError: it is not installed; the text says what installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != module.split(".", maxsplit=1)[0]:
            # The library is here, and lacks one of its own.
            raise
        raise UsageError(
            f"{what} needs {module.split('.', maxsplit=1)[0]}, which is not installed: "
            f"pip install 'tuitrain[{extra}]'"
        ) from error
