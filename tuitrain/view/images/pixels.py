"""A picture as plain bytes, and the same in another size.

Pure; knows neither terminals nor where a picture comes from.
"""

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels row by row, of one channel (grey) or three (red, green, blue)."""

    width: int
    height: int
    channels: int
    data: bytes
    """width * height * channels bytes."""

    def __post_init__(self) -> None:
        """Check that there are as many bytes as there should be."""
        wanted = self.width * self.height * self.channels
        if self.channels not in (1, 3) or wanted != len(self.data):
            raise ValueError(
                f"{self.width}x{self.height} pixels of {self.channels} channels are {wanted} bytes "
                f"of 1 or 3 channels, there are {len(self.data)}"
            )

    def at(self, x: int, y: int) -> Colour:
        """Return the colour of a pixel."""
        place = (y * self.width + x) * self.channels
        if self.channels == 1:
            return (self.data[place],) * 3
        return self.data[place], self.data[place + 1], self.data[place + 2]


def resized(image: Image, width: int, height: int) -> Image:
    """Return a picture of another size: each pixel is the mean of those that lie under it."""
    if (width, height) == (image.width, image.height):
        return image
    columns = [_under(place, image.width, width) for place in range(width)]
    rows = [_under(place, image.height, height) for place in range(height)]
    data = bytearray()
    for first_y, end_y in rows:
        for first_x, end_x in columns:
            data += _mean(image, range(first_x, end_x), range(first_y, end_y))
    return Image(width, height, image.channels, bytes(data))


def _under(place: int, old: int, new: int) -> tuple[int, int]:
    """Return which old pixels lie under a new one: one at least."""
    first = place * old // new
    return first, max(first + 1, (place + 1) * old // new)


def _mean(image: Image, columns: range, rows: range) -> bytes:
    number = len(columns) * len(rows)
    starts = [(y * image.width + x) * image.channels for y in rows for x in columns]
    return bytes(
        round(sum(image.data[start + channel] for start in starts) / number)
        for channel in range(image.channels)
    )


def side_by_side(images: list[Image], gap: int) -> Image:
    """Return pictures of one height in a row as one picture in colour, black between them."""
    height = images[0].height
    data = bytearray()
    for y in range(height):
        for place, image in enumerate(images):
            data += bytes(3 * gap) if place else b""
            for x in range(image.width):
                data += bytes(image.at(x, y))
    width = sum(image.width for image in images) + gap * (len(images) - 1)
    return Image(width, height, 3, bytes(data))
