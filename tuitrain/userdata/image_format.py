"""What every image of a set is made into, and how it is said that one can't be.

Plain values; imports no reader of images.
"""

from dataclasses import dataclass
from typing import Literal

Resize = Literal["crop", "pad", "stretch"]
Channels = Literal["rgb", "grey"]


class BrokenImageError(Exception):
    """An image that can't be read; the text says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """What every image is made into."""

    height: int
    width: int
    resize: Resize
    channels: Channels
    background: int
    """Grey level, 0..255, behind what is transparent and around what is padded."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return (3 if self.channels == "rgb" else 1), self.height, self.width

    @property
    def size_bytes(self) -> int:
        """Bytes of one image's pixels."""
        channels, height, width = self.shape
        return channels * height * width
