"""Calls of a driver's library, so that what one GPU can't tell costs neither the others nor time.

Knows kinds of refusals; nothing of what is asked.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

Refusal = Literal["absent", "refused", "lost", "gone", "unknown"]
"""`absent`: this GPU or driver does not have it; `refused`: no permission; `lost`: the GPU does
not answer any more; `gone`: the driver does not; `unknown`: it may answer the next time."""


class GpuLostError(Exception):
    """One GPU does not answer any more; the text says so for a person."""


class DriverGoneError(Exception):
    """The driver has to be opened anew; the text says why, for a person."""


class Driver:
    """Asks a library and remembers what need not be asked again."""

    def __init__(
        self,
        library: Any,
        error: type[Exception],
        judge: Callable[[Exception], tuple[Refusal, str]],
    ) -> None:
        """Begin to ask.

        Args:
            library: has the functions.
            error: what they raise.
            judge: says of such an error what kind of refusal it is, and that in words.
        """
        self._library = library
        self._error = error
        self._judge = judge
        self._never: set[tuple[object, ...]] = set()
        self._refused: dict[object, dict[str, None]] = {}

    def ask(self, gpu: object, name: str, *arguments: Any, about: str = "") -> Any:
        """Return what a function says; None where it has no answer.

        Args:
            gpu: which one it is about.
            name: of the function; the library may be too old to have it.
            arguments: the GPU's handle first.
            about: what it tells, for a person: said where the permission lacks.

        Raises:
            GpuLostError: this GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        question = (gpu, name, *arguments[1:])
        if question in self._never:
            return None
        function = getattr(self._library, name, None)
        if function is None:
            self._never.add(question)
            return None
        try:
            return function(*arguments)
        except self._error as error:
            kind, words = self._judge(error)
        if kind == "lost":
            raise GpuLostError(words)
        if kind == "gone":
            raise DriverGoneError(words)
        if kind != "unknown":
            self._never.add(question)
        if kind == "refused":
            self._refused.setdefault(gpu, {})[about or name] = None
        return None

    def first(self, gpu: object, names: Sequence[str], *arguments: Any, about: str = "") -> Any:
        """Return the answer of the first function that has one: newer ones before older.

        Raises:
            GpuLostError: this GPU does not answer any more.
            DriverGoneError: the driver does not.
        """
        for name in names:
            answer = self.ask(gpu, name, *arguments, about=about)
            if answer is not None:
                return answer
        return None

    def refusals(self, gpu: object) -> list[str]:
        """Say what this GPU did not tell for lack of permission."""
        refused = self._refused.get(gpu)
        return [f"permission refused: {', '.join(refused)}"] if refused else []


def text_of(answer: Any) -> str | None:
    """Return a text: libraries give str or bytes, by their version."""
    if answer is None:
        return None
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
