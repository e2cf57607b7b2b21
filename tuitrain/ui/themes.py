"""Themes, and which colour each kind of text has in them.

Series colours are those of Okabe and Ito (2008), told apart with red-green blindness too; which of
them is readable on what is chosen by the theme's background.
"""

from typing import TYPE_CHECKING

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
_HEAT = (0.15, 0.3, 0.45, 0.65, 0.85)
"""How much of a colour is in the background of each level of a heat map."""


def span_styles(theme: Theme, colour: bool) -> dict[str, Style]:
    """Return the style of each kind of span that `tuitrain.view` and the widgets name."""
    if not colour:
        return _MONOCHROME
    series = _ON_DARK if theme.dark else _ON_LIGHT
    quiet = "#7d8790" if theme.dark else "#6b7278"
    foreground = theme.foreground or ("#d5dae0" if theme.dark else "#1c2126")
    accent = theme.accent or theme.primary
    warning, error = theme.warning or "#e69f00", theme.error or "#d55e00"
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
        "good": Style(color=success),
        "alert": Style(color=warning, bold=True),
        "bad": Style(color=error, bold=True),
        "key": Style(color=accent, bold=True),
        "picked": Style(color=foreground, reverse=True, bold=True),
        **_heat_styles("right", success, theme),
        **_heat_styles("wrong", error, theme),
    }
    for slot, name in enumerate(series):
        plain[f"line{slot}"] = Style(color=name)
        plain[f"faint{slot}"] = Style(color=name, dim=True)
    return plain


def picture_colours(theme: Theme) -> "Paint":
    """Return the colours that curves have where they are drawn as pictures."""
    from tuitrain.view.chart.pixels import Paint

    fallback = ("#101418", "#56b4e9") if theme.dark else ("#fbfbfa", "#0072b2")
    ground = Color.parse(theme.background or fallback[0])
    series = _ON_DARK if theme.dark else _ON_LIGHT
    cursor = Color.parse(theme.accent or theme.primary or fallback[1])
    return Paint(ground.rgb, tuple(Color.parse(each).rgb for each in series), cursor.rgb)


def _heat_styles(name: str, colour: str, theme: Theme) -> dict[str, Style]:
    """Return the levels of a heat map in a colour, NAME0 to NAME4, with text that can be read."""
    ground = Color.parse(theme.background or ("#101418" if theme.dark else "#fbfbfa"))
    behind = [ground.blend(Color.parse(colour), share) for share in _HEAT]
    return {
        f"{name}{level}": Style(
            color=(each + each.get_contrast_text(0.9)).rich_color, bgcolor=each.rich_color
        )
        for level, each in enumerate(behind)
    }


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
