"""Colours as terminals number them: 256, or 16.

Pure functions from red, green and blue to a number; knows no escape sequence.
"""

from tuitrain.view.images.pixels import Colour

_LEVELS = (0, 95, 135, 175, 215, 255)
"""Of each channel in the cube of 6x6x6 colours that xterm numbers from 16 on."""
_FIRST_GREY, _GREYS, _DARKEST_GREY, _GREY_STEP = 232, 24, 8, 10
_SIXTEEN: tuple[Colour, ...] = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0),
    (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
)  # fmt: skip
"""As xterm shows them; a terminal's theme may have others."""


def number_of_256(colour: Colour) -> int:
    """Return the nearest of xterm's 256 colours, of its cube or its greys."""
    red, green, blue = (_nearest_level(part) for part in colour)
    cube = (_LEVELS[red], _LEVELS[green], _LEVELS[blue])
    step = round((sum(colour) / 3 - _DARKEST_GREY) / _GREY_STEP)
    step = min(max(step, 0), _GREYS - 1)
    grey = (_DARKEST_GREY + _GREY_STEP * step,) * 3
    if _distance(colour, grey) < _distance(colour, cube):
        return _FIRST_GREY + step
    return 16 + 36 * red + 6 * green + blue


def number_of_16(colour: Colour) -> int:
    """Return the nearest of the 16 colours that every terminal with colours has."""
    return min(range(16), key=lambda number: _distance(colour, _SIXTEEN[number]))


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two, with this share of the other one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _nearest_level(part: int) -> int:
    return min(range(len(_LEVELS)), key=lambda place: abs(_LEVELS[place] - part))


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
