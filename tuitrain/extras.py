"""Libraries of the extras: imported where one is needed, or refused with what installs it."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
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
        raise _refusal(module, extra, what) from error


def installed(modules: Sequence[str], extra: str, what: str) -> None:
    """Hold what another process is going to import against what is there, without importing it.

    Raises:
        UsageError: as `require`.
    """
    for module in modules:
        if find_spec(module) is None:
            raise _refusal(module, extra, what)


def _refusal(module: str, extra: str, what: str) -> UsageError:
    return UsageError(
        f"{what} needs {module.split('.', maxsplit=1)[0]}, which is not installed: "
        f"pip install 'tuitrain[{extra}]'"
    )
