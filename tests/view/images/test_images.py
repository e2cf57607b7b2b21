"""Pictures as cells, sixels and kitty's sequences: what goes in comes out, whatever its size."""

import base64
import random
import re
import zlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.components.pictures import to_png
from tuitrain.view.images.cells import HALF_BLOCK, half_blocks, shades
from tuitrain.view.images.colours import number_of_16, number_of_256
from tuitrain.view.images.graphics import Graphics, choose_graphics, colour_depth
from tuitrain.view.images.pixels import Image, resized, side_by_side
from tuitrain.view.images.png import from_png
from tuitrain.view.images.sheet import Canvas, Captioned, picture_lines
from tuitrain.view.images.sixel import sixels
from tuitrain.view.osc import COLOURS, coloured_cells, kitty_image

SIZES = st.integers(1, 12)


@st.composite
def images(draw: st.DrawFn) -> Image:
    width, height, channels = draw(SIZES), draw(SIZES), draw(st.sampled_from([1, 3]))
    number = width * height * channels
    return Image(width, height, channels, draw(st.binary(min_size=number, max_size=number)))


@given(images(), SIZES, SIZES)
def test_a_picture_of_another_size_has_as_many_pixels_of_no_new_brightness(
    image: Image, width: int, height: int
) -> None:
    other = resized(image, width, height)
    assert (other.width, other.height) == (width, height)
    assert min(image.data) <= min(other.data) and max(other.data) <= max(image.data)
    assert resized(image, image.width, image.height) == image


def test_a_picture_has_the_bytes_that_its_size_says() -> None:
    with pytest.raises(ValueError, match="2x2 pixels of 3 channels are 12 bytes"):
        Image(2, 2, 3, bytes(4))


@given(images())
def test_half_blocks_hold_every_pixel_once(image: Image) -> None:
    rows = half_blocks(image)
    seen = [
        colour
        for row in rows
        for half in (1, 2)
        for cell in row
        if (colour := cell[half]) is not None
    ]
    assert len(seen) == image.width * image.height
    text = coloured_cells(rows[0], 24)
    assert COLOURS.sub("", text) == HALF_BLOCK * image.width and text.endswith("\x1b[0m")
    assert coloured_cells(shades(image)[0], 0).isascii()


def test_colours_are_numbered_as_terminals_number_them() -> None:
    assert [number_of_256(each) for each in ((0, 0, 0), (255, 255, 255), (255, 0, 0))] == [
        16, 231, 196,
    ]  # fmt: skip
    assert number_of_256((118, 118, 118)) == 243
    assert [number_of_16(each) for each in ((250, 5, 5), (0, 0, 0), (120, 130, 127))] == [9, 0, 8]
    cell = half_blocks(Image(1, 2, 3, bytes([255, 0, 0, 0, 0, 0])))[0]
    assert coloured_cells(cell, 24).startswith("\x1b[0;38;2;255;0;0;48;2;0;0;0m")
    assert coloured_cells(cell, 256).startswith("\x1b[0;38;5;196;48;5;16m")
    assert coloured_cells(cell, 16).startswith("\x1b[0;91;40m")


def test_kitty_gets_the_pixels_in_pieces_that_it_takes() -> None:
    noise = random.Random(0).randbytes(3 * 64 * 64)
    image = Image(64, 64, 3, noise)
    sent = kitty_image(image, 20, 10, {"TERM": "xterm-kitty"})
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert len(pieces) > 1 and all(len(data) <= 4096 for _, data in pieces)
    assert "s=64,v=64,c=20,r=10" in pieces[0][0]
    assert [keys[-3:] for keys, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
    assert zlib.decompress(base64.b64decode("".join(data for _, data in pieces))) == noise
    assert kitty_image(image, 20, 10, {"TMUX": "x"}).startswith("\x1bPtmux;\x1b\x1b_G")


def test_sixels_say_size_colours_and_every_band() -> None:
    image = Image(5, 7, 1, bytes([255] * 30 + [0] * 5))
    assert sixels(image) == '"1;1;5;7#0;2;0;0;0#215;2;100;100;100#215!5~-#0!5@'
    joined = side_by_side([image, image], 2)
    assert (joined.width, joined.height) == (12, 7)


@pytest.mark.parametrize(
    ("environ", "depth", "by_default", "by_auto"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 24, "blocks", "blocks"),
        ({"TERM": "xterm-256color"}, 256, "blocks", "blocks"),
        ({"TERM": "linux"}, 16, "blocks", "blocks"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, 0, "ascii", "ascii"),
        ({"TERM": "dumb"}, 0, "ascii", "ascii"),
        ({"TERM": "xterm-kitty"}, 256, "blocks", "kitty"),
        ({"TERM": "foot", "COLORTERM": "truecolor"}, 24, "blocks", "sixel"),
        ({"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, 256, "blocks", "blocks"),
    ],
)
def test_how_to_draw_follows_from_what_the_terminal_says_of_itself(
    environ: dict[str, str], depth: int, by_default: str, by_auto: str
) -> None:
    def chosen(asked: Graphics | str | None, is_terminal: bool = True) -> str:
        return choose_graphics(asked, environ, is_terminal=is_terminal, is_ascii=False)  # type: ignore[arg-type]

    assert colour_depth(environ) == depth
    assert (chosen(None), chosen("auto"), chosen("sixel")) == (by_default, by_auto, "sixel")
    assert (chosen(None, False), chosen("auto", False)) == ("ascii", "ascii")


@pytest.mark.parametrize("graphics", ["kitty", "sixel", "blocks", "ascii"])
@pytest.mark.parametrize("width", [10, 60, 80])
def test_pictures_stand_side_by_side_with_their_words_below(graphics: Graphics, width: int) -> None:
    picture = Captioned(Image(8, 8, 1, bytes(range(64))), "a name\x1b[2J that is far too long")
    lines = picture_lines([picture] * 5, Canvas(width, graphics, 24, {}))
    words = [line for line in lines if "a name" in line or line.startswith("a ")]
    assert len(words) == (5 if width == 10 else 2)
    assert all(line.isprintable() and len(line) <= width for line in words)
    assert picture_lines([], Canvas(width, graphics, 24, {})) == []


@pytest.mark.parametrize("shape", [(1, 3, 5), (3, 4, 2)])
def test_a_samples_file_is_read_as_it_was_written(shape: tuple[int, int, int]) -> None:
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8).movedim(0, -1).contiguous()
    data = to_png(pixels)
    image = from_png(data)
    assert (image.width, image.height, image.channels) == (shape[2], shape[1], shape[0])
    assert image.data == pixels.numpy().tobytes()
    for broken in (b"", data[:20], data[:-20], data[:45] + b"\0" + data[46:]):
        with pytest.raises(ValueError, match="no PNG file"):
            from_png(broken)
