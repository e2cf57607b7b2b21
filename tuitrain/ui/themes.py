"""Themes, and which colour each kind of text has in them.

Series colours are those of Okabe and Ito (2008), told apart with red-green blindness too; which of
them is readable on what is chosen by the theme's background.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

if TYPE_CHECKING:
    from tuitrain.view.chart.pixels import Paint

_ON_DARK = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#5b8def", "#bbbbbb")
_ON_LIGHT = ("#0072b2", "#b36b00", "#00795a", "#a3487e", "#8a7f00", "#b04a00", "#3b4cc0", "#555555")

DARK = Theme(
    name="tuitrain-dark",
    primary="#56b4e9",
    secondary="#8fa8bf",
    accent="#56b4e9",
    success="#4cc38a",
    warning="#e69f00",
    error="#ff6b5e",
    foreground="#d5dae0",
    background="#101418",
    surface="#161b20",
    panel="#1e242b",
    dark=True,
)
LIGHT = Theme(
    name="tuitrain-light",
    primary="#0072b2",
    secondary="#50667a",
    accent="#0072b2",
    success="#00795a",
    warning="#b36b00",
    error="#c0392b",
    foreground="#1c2126",
    background="#fbfbfa",
    surface="#f2f2f0",
    panel="#e6e6e3",
    dark=False,
)
COLOUR_BLIND = Theme(
    name="tuitrain-colour-blind",
    primary="#56b4e9",
    secondary="#9aa7b3",
    accent="#f0e442",
    success="#56b4e9",
    warning="#e69f00",
    error="#d55e00",
    foreground="#e4e4e4",
    background="#0d0d0f",
    surface="#141417",
    panel="#1d1d21",
    dark=True,
)
OWN_THEMES = (DARK, LIGHT, COLOUR_BLIND)
DEFAULT_THEME = DARK.name
LEAST_CONTRAST = 4.6
"""Of text against what is behind it: level AA of WCAG 2 is 4.5, and colours are rounded."""
_SHARES = 20
"""Steps from a colour to white or black."""
_TEXTS = (Color.parse("#000000"), Color.parse("#ffffff"))
_PLAIN_HEAT = {True: "#101418", False: "#fbfbfa"}
_FILL, _QUIET_FILL = 0.75, 0.3
"""How much of its colour a filled box has."""
_HEAT = (0.15, 0.3, 0.45, 0.65, 0.85)
"""How much of a colour is in the background of each level of a heat map."""


def span_styles(theme: Theme, colour: bool) -> dict[str, Style]:
    """Return the style of each kind of span that `tuitrain.view` and the widgets name."""
    if not colour:
        return _MONOCHROME
    ink = _Ink(theme)
    foreground = ink.on_all(theme.foreground or ("#d5dae0" if theme.dark else "#1c2126"))
    quiet = ink.on_all("#7d8790" if theme.dark else "#6b7278")
    accent = ink.on_all(theme.accent or theme.primary)
    warning, error = (
        ink.on_all(theme.warning or "#e69f00"), ink.on_all(theme.error or "#d55e00")
    )  # fmt: skip
    success = theme.success or "#009e73"
    plain = {
        "": Style(color=foreground),
        "axis": Style(color=quiet),
        "label": Style(color=quiet),
        "quiet": Style(color=quiet),
        "title": Style(color=foreground, bold=True),
        "strong": Style(color=foreground, bold=True),
        "mark": Style(color=accent),
        "cursor": Style(color=accent, bold=True),
        "live": Style(color=accent, bold=True),
        "good": Style(color=ink.on_all(success)),
        "alert": Style(color=warning, bold=True),
        "bad": Style(color=error, bold=True),
        "key": Style(color=accent, bold=True),
        "picked": Style(color=foreground, reverse=True, bold=True),
        **_heat_styles("right", success, theme),
        **_heat_styles("wrong", theme.error or "#d55e00", theme),
        **_box_styles(ink.series, theme),
    }
    for slot, line in enumerate(ink.series):
        plain[f"line{slot}"] = Style(color=line.rich_color)
        plain[f"faint{slot}"] = Style(color=line.rich_color, dim=True)
    return plain


class _Ink:
    """Colours of text that can be read on what a theme has behind it.

    Many themes of Textual's have colours that are pretty and can hardly be read: these are moved
    towards white, or black, as far as it takes. The terminal's own colours are left as they are.
    """

    def __init__(self, theme: Theme) -> None:
        known = theme.to_color_system().generate()
        self._ground = Color.parse(theme.background or known["background"])
        self._grounds = [
            self._ground, Color.parse(known["surface"]), Color.parse(known["panel"])
        ]  # fmt: skip
        self._pole = Color.parse("#ffffff" if theme.dark else "#000000")
        self._dark = theme.dark

    @property
    def series(self) -> list[Color]:
        """The colours of curves, and of what is said of them, by slot."""
        names = _ON_DARK if self._dark else _ON_LIGHT
        return [self._readable(Color.parse(name), [self._ground]) for name in names]

    def on_all(self, name: str) -> RichColor:
        """Return a colour for text that stands on any of the theme's grounds."""
        return self._readable(Color.parse(name), self._grounds).rich_color

    def _readable(self, colour: Color, grounds: Sequence[Color]) -> Color:
        if any(each.ansi is not None for each in (colour, *grounds)):
            return colour
        for share in range(_SHARES + 1):
            nearer = colour.blend(self._pole, share / _SHARES)
            if all(contrast(nearer, ground) >= LEAST_CONTRAST for ground in grounds):
                return nearer
        return self._pole


def contrast(one: Color, other: Color) -> float:
    """Return how well one colour stands out from another, from 1 to 21, as WCAG 2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 255 for part in colour.rgb]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def picture_colours(theme: Theme) -> "Paint":
    """Return the colours that curves have where they are drawn as pictures."""
    from tuitrain.view.chart.pixels import Paint

    ink = _Ink(theme)
    ground = Color.parse(theme.background or ("#101418" if theme.dark else "#fbfbfa"))
    cursor = Color.parse(theme.accent or theme.primary)
    return Paint(ground.rgb, tuple(each.rgb for each in ink.series), cursor.rgb)


def _heat_styles(name: str, colour: str, theme: Theme) -> dict[str, Style]:
    """Return the levels of a heat map in a colour, NAME0 to NAME4, with text that can be read."""
    ground = Color.parse(theme.background or ("#101418" if theme.dark else "#fbfbfa"))
    full = Color.parse(colour)
    # Of the terminal's own colours there is no mixture.
    own = ground.ansi is not None or full.ansi is not None
    ground, full = (Color.parse(_PLAIN_HEAT[theme.dark]), Color.parse("#888888")) if own else (
        ground, full)  # fmt: skip
    behind = [ground.blend(full, share) for share in _HEAT]
    return {
        f"{name}{level}": Style(
            color=max(_TEXTS, key=lambda text: contrast(text, each)).rich_color,
            bgcolor=each.rich_color,
        )
        for level, each in enumerate(behind)
    }


def _box_styles(series: Sequence[Color], theme: Theme) -> dict[str, Style]:
    """Return boxes filled with the colours of curves, box0 to box7, and a quiet one.

    The text in them can be read. Of the terminal's own colours, which have no mixture, it alone is
    coloured.
    """
    ground = Color.parse(theme.background or ("#101418" if theme.dark else "#fbfbfa"))
    grey = Color.parse("#7d8790" if theme.dark else "#6b7278")
    fills = {f"box{slot}": colour for slot, colour in enumerate(series)} | {"boxquiet": grey}
    found = {}
    for name, full in fills.items():
        if ground.ansi is not None or full.ansi is not None:
            found[name] = Style(color=full.rich_color)
            continue
        behind = ground.blend(full, _QUIET_FILL if name == "boxquiet" else _FILL)
        ink = max(_TEXTS, key=lambda text: contrast(text, behind))
        found[name] = Style(color=ink.rich_color, bgcolor=behind.rich_color)
    return found


_MONOCHROME: dict[str, Style] = {
    "title": Style(bold=True),
    "strong": Style(bold=True),
    "cursor": Style(bold=True),
    "live": Style(bold=True),
    "alert": Style(bold=True, underline=True),
    "bad": Style(bold=True, underline=True),
    "key": Style(bold=True),
    "picked": Style(reverse=True, bold=True),
    **{f"faint{slot}": Style(dim=True) for slot in range(8)},
}
