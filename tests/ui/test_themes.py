from pathlib import Path
from typing import Any

import pytest
from rich.color import Color
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

from tests.ui.apps import play
from tests.ui.screens import told, wait_for, wait_for_text
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.themes import (
    COLOUR_BLIND,
    DEFAULT_THEME,
    LIGHT,
    OWN_THEMES,
    picture_colours,
    span_styles,
)


def theme_seen(root: Path, wanted: str = "") -> str:
    """Return the theme that the interface starts with; then choose `wanted`."""
    seen: list[str] = []

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: getattr(pilot.app, "span_styles", None))
        seen.append(pilot.app.theme)
        if wanted:
            pilot.app.theme = wanted
            await pilot.pause()

    play(root, None, steps)
    return seen[0]


def test_a_theme_is_remembered_from_one_start_to_the_next(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    assert theme_seen(root, LIGHT.name) == DEFAULT_THEME
    assert theme_seen(root, "textual-light") == LIGHT.name
    ansi = next(name for name in THEMES if name.startswith("ansi"))
    assert theme_seen(root, ansi) == "textual-light", "of the terminal's own colours"
    assert theme_seen(root, "textual-light") == ansi
    assert theme_seen(root) == "textual-light"


@pytest.mark.parametrize("content", ["", "theme = 3", "theme = 'gone'", "[[[", "\xff"])
def test_preferences_that_can_not_be_used_mean_the_default(tmp_path: Path, content: str) -> None:
    path = tmp_path / "preferences.toml"
    path.write_text(content, encoding="latin-1")
    assert Preferences(path).theme_among(["a", DEFAULT_THEME]) == DEFAULT_THEME


def test_a_folder_that_can_not_be_written_only_means_that_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    preferences = Preferences(tmp_path / "file" / "preferences.toml")
    preferences.remember_theme(LIGHT.name)
    assert preferences.theme_among([LIGHT.name]) == LIGHT.name


THEMES = {**BUILTIN_THEMES, **{theme.name: theme for theme in OWN_THEMES}}


@pytest.mark.parametrize("name", THEMES)
def test_every_kind_of_text_can_be_read_on_its_background(name: str) -> None:
    theme = THEMES[name]
    known = theme.to_color_system().generate()
    grounds = [known[each] for each in ("background", "surface", "panel")]
    picture_colours(theme)
    for kind, style in span_styles(theme, colour=True).items():
        if any(str(each).startswith("ansi") for each in (*grounds, theme.accent)):
            assert style.color is not None, "the terminal's own colours are what they are"
            continue
        on_charts = kind.startswith(("line", "faint"))
        behind = [style.bgcolor] if style.bgcolor else grounds[: 1 if on_charts else 3]
        for each in behind:
            light, dark = sorted((luminance(style.color), luminance(each)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{kind} on {each}"


def test_without_colour_no_text_has_one() -> None:
    styles = span_styles(COLOUR_BLIND, colour=False)
    assert all(style.color is None and style.bgcolor is None for style in styles.values())


def luminance(colour: Any) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    parsed = colour if isinstance(colour, Color) else Color.parse(colour)
    triplet = parsed.get_truecolor()
    parts = [part / 255 for part in triplet]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_who_the_mouse_is_for_is_remembered_and_told(root: Path) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "presets")
        commands = {command.title: command for command in
                    pilot.app.get_system_commands(pilot.app.screen)}  # fmt: skip
        assert "select text" in commands["Mouse"].help
        commands["Mouse"].callback()
        said = "the mouse is for the terminal, which selects text"
        await wait_for(pilot, lambda: said in told(pilot.app), said)

    play(root, None, steps)
    kept = Preferences(root.parent / "preferences.toml")
    assert kept.mouse is False
    kept.remember_mouse(True)
    assert Preferences(root.parent / "preferences.toml").mouse
