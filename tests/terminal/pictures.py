"""A terminal that shows pictures, as far as a test needs one: what stands in its cells and pixels.

Follows the cursor, colours of text, kitty's pictures in cells of text, and sixels; a character
that is written wipes the sixels of its cell.
"""

import base64
import re
import struct
import unicodedata
import zlib
from dataclasses import dataclass, field

CELL = (10, 20)
"""Pixels of a cell."""
PLACEHOLDER = "\U0010eeee"
_DIACRITICS = [*range(0x300, 0x370), *range(0x483, 0x488), *range(0x592, 0x660)]
_PARTS = re.compile(
    r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b([P_\]X^])(.*?)(?:\x1b\\|\x07)|\x1b[ -/]*[0-~]|([^\x1b])",
    re.DOTALL,
)
KITTY_ANSWERS = b"\x1b_Gi=1;OK\x1b\\\x1bP>|kitty(0.42.0)\x1b\\\x1b[6;20;10t\x1b[?62;c"
SIXEL_ANSWERS = b"\x1bP>|foot(1.20)\x1b\\\x1b[6;20;10t\x1b[?62;4;22c"

Colour = tuple[int, int, int]


@dataclass
class Picture:
    """Rows of colours; None is see-through."""

    columns: int
    rows: int
    pixels: list[list[Colour | None]]


@dataclass
class PictureTerminal:
    """What is on the screen after bytes were written to it."""

    pictures: dict[int, Picture] = field(default_factory=dict)
    text: dict[tuple[int, int], str] = field(default_factory=dict)
    colours: dict[tuple[int, int], Colour | None] = field(default_factory=dict)
    sixels: dict[tuple[int, int], Colour] = field(default_factory=dict)
    """By pixel."""
    _at: tuple[int, int] = (0, 0)
    _front: Colour | None = None
    _pending: str = ""
    _keys: str = ""

    def write(self, written: bytes) -> None:
        """Take in what a program wrote."""
        for match in _PARTS.finditer(written.decode("utf-8", "replace")):
            arguments, command, string, content, character = match.groups()
            if character is not None:
                self._put(character)
            elif command == "H":
                row, column = (*(int(part or 1) for part in arguments.split(";")), 1)[:2]
                self._at = (column - 1, row - 1)
            elif command == "m":
                self._colour(arguments)
            elif string == "_" and content.startswith("G"):
                self._kitty(content[1:])
            elif string == "P" and re.match(r"[0-9;]*q", content):
                self._sixel(content.partition("q")[2])

    def _put(self, character: str) -> None:
        x, y = self._at
        if unicodedata.combining(character):
            self.text[x - 1, y] += character
        elif character == "\n":
            self._at = (0, y + 1)
        elif character != "\r":
            self.text[x, y], self.colours[x, y] = character, self._front
            self._at = (x + 1, y)
            if self.sixels:
                for place in _pixels_of(x, y):
                    self.sixels.pop(place, None)

    def _colour(self, arguments: str) -> None:
        if arguments in ("", "0") or arguments.startswith("0;"):
            self._front = None
        found = re.search(r"38;2;(\d+);(\d+);(\d+)", arguments)
        if found:
            self._front = (int(found[1]), int(found[2]), int(found[3]))

    def _kitty(self, body: str) -> None:
        keys, _, data = body.partition(";")
        self._keys, self._pending = self._keys or keys, self._pending + data
        options = dict(pair.split("=") for pair in self._keys.split(","))
        if "m=1" in keys:
            return
        if options["a"] == "T":
            png = base64.b64decode(self._pending)
            picture = Picture(int(options["c"]), int(options["r"]), read_png(png))
            self.pictures[int(options["i"])] = picture
        elif options["a"] == "d":
            del self.pictures[int(options["i"])]
        self._keys = self._pending = ""

    def _sixel(self, body: str) -> None:
        left, top = self._at[0] * CELL[0], self._at[1] * CELL[1]
        palette: dict[str, Colour] = {}
        x = y = 0
        colour = (0, 0, 0)
        for number, red, green, blue, plain, times, repeated, control in re.findall(
            r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|(?:!(\d+))?([?-~])|([-$])", body
        ):
            if number:
                palette[number] = tuple(round(int(p) * 2.55) for p in (red, green, blue))  # type: ignore[assignment]
            elif plain:
                colour = palette[plain]
            elif control:
                x, y = 0, y + 6 * (control == "-")
            else:
                end = x + int(times or 1)
                for bit in range(6):
                    if (ord(repeated) - 63) >> bit & 1:
                        places = ((left + each, top + y + bit) for each in range(x, end))
                        self.sixels.update(dict.fromkeys(places, colour))
                x = end

    def pixel(self, x: int, y: int) -> Colour | None:
        """Return the colour of a pixel of a picture; None where there is none."""
        if (x, y) in self.sixels:
            return self.sixels[x, y]
        cell = (x // CELL[0], y // CELL[1])
        place = self.place(*cell)
        if place is None:
            return None
        number, column, row = place
        picture = self.pictures.get(number)
        if picture is None:
            return None
        height, width = len(picture.pixels), len(picture.pixels[0])
        across = (column + x % CELL[0] / CELL[0]) / picture.columns
        down = (row + y % CELL[1] / CELL[1]) / picture.rows
        return picture.pixels[int(down * height)][int(across * width)]

    def place(self, x: int, y: int) -> tuple[int, int, int] | None:
        """Return the picture that a cell shows, and which column and row of it."""
        character, colour = self.text.get((x, y), ""), self.colours.get((x, y))
        if not character.startswith(PLACEHOLDER) or colour is None:
            return None
        number = colour[0] << 16 | colour[1] << 8 | colour[2]
        if len(character) == 3:
            row, column = (_number_of(each) for each in character[1:])
            return number, column, row
        before = self.place(x - 1, y)
        assert before is not None, "a cell that nothing says the place of"
        assert before[0] == number, "a cell that goes on another picture"
        return number, before[1] + 1, before[2]

    def shown(self, width: int, height: int) -> list[list[Colour]]:
        """Return all pixels of so many cells; what is no picture is black, text grey."""
        grey = (90, 90, 90)
        return [
            [
                self.pixel(x, y)
                or (
                    grey
                    if self.text.get((x // CELL[0], y // CELL[1]), " ").strip(f" {PLACEHOLDER}")
                    and 3 < y % CELL[1] < 16
                    else (0, 0, 0)
                )
                for x in range(width * CELL[0])
            ]
            for y in range(height * CELL[1])
        ]


def _number_of(diacritic: str) -> int:
    from tuitrain.view.osc import placeholder

    return next(n for n in range(64) if placeholder(n, 0)[1] == diacritic)


def _pixels_of(x: int, y: int) -> list[tuple[int, int]]:
    width, height = CELL
    return [(x * width + i, y * height + j) for i in range(width) for j in range(height)]


def read_png(data: bytes) -> list[list[Colour | None]]:
    """Return the pixels of a PNG file with a palette and rows without a filter."""
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        name, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length :][:4])[0] == zlib.crc32(name + content)
        chunks[name] = content
        place += length + 12
    width, height, bits, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (bits, kind) == (8, 3)
    palette = [tuple(chunks[b"PLTE"][at : at + 3]) for at in range(0, len(chunks[b"PLTE"]), 3)]
    rows = zlib.decompress(chunks[b"IDAT"])
    assert not any(rows[:: width + 1])
    assert len(rows) == height * (width + 1)
    starts = range(1, len(rows), width + 1)
    return [[palette[number] for number in rows[at : at + width]] for at in starts]  # type: ignore[misc]
