"""Images from files, decoded as those of a data set."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor

from tuitrain.components.data import Facts, Samples, Takes
from tuitrain.errors import DataUnavailableError
from tuitrain.userdata.image_format import BrokenImageError, ImageFormat
from tuitrain.userdata.words import listed, shown


class ImageReader:
    """Decodes other images as those of a set."""

    takes: Takes = "images"

    def __init__(self, form: ImageFormat, classes: Sequence[str]) -> None:
        """Take what every image is made into, and the classes' names in their order."""
        self.form = form
        self._classes = tuple(classes)

    def read(self, items: Sequence[str]) -> Tensor:
        """Return files as uint8 [n, channels, height, width].

        Raises:
            DataUnavailableError: one is no image.
        """
        from tuitrain.userdata.image_decode import decode

        pixels = []
        for path in items:
            try:
                # Pillow's own memory may not be written to, which torch warns of.
                pixels.append(torch.tensor(decode(path, self.form)))
            except BrokenImageError as error:
                raise DataUnavailableError(f"{shown(path)} {error}") from error
        return torch.stack(pixels)

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Return the images of a folder with a folder for each class.

        Raises:
            DataUnavailableError: there are none, or a folder is no class of the set.
        """
        from tuitrain.userdata.image_files import find_classes

        found = find_classes(path)
        strange = [name for name in found if shown(name) not in self._classes]
        if strange:
            raise DataUnavailableError(
                f"{shown(path)} has the folder {listed([shown(name) for name in strange])}, which "
                f"is no class of the run: it has {listed(list(self._classes), 20)}"
            )
        files = [(file.name, shown(name)) for name in found for file in found[name]]
        paths = [str(path / name) for name, _label in files]
        inputs = self.read(paths)
        labels = torch.tensor([self._classes.index(label) for _name, label in files])
        names = [shown(name) for name, _label in files]
        return Samples(inputs, labels), Facts(names, True, {"size": StoredSizes(paths)})

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        return {"form": asdict(self.form), "classes": self._classes}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ImageReader":
        """Return the reader that `state` is of."""
        return cls(ImageFormat(**state["form"]), state["classes"])


class StoredSizes(Sequence[str]):
    """How large each image is in its file, by powers of two; read when it is asked."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [_size_words(path) for path in self._paths[place]]
        return _size_words(self._paths[place])


def _size_words(path: str) -> str:
    """Return between which powers of two the side of a square of as many pixels is."""
    from tuitrain.userdata.image_decode import stored_size

    size = stored_size(path)
    if size is None:
        return "unknown"
    side = 1 << max(0, math.ceil(math.log2(max(1, size[0] * size[1])) / 2))
    return f"{side // 2 + 1} to {side} px" if side > 1 else "1 px"


def images_in(folder: str) -> list[str]:
    """Return the images in a folder and those below it, in the order of their names.

    Raises:
        DataUnavailableError: there are none.
    """
    from tuitrain.userdata.image_files import find_loose

    return find_loose(Path(folder))


def pixel_reader(
    shape: Sequence[int], kind: torch.dtype, classes: Sequence[str]
) -> ImageReader | None:
    """Return a reader for a set of images in 8 bits; None: the set is another.

    Args:
        shape: of an input as it is in the set.
        kind: its type there.
        classes: their names.
    """
    if kind != torch.uint8 or len(shape) != 3 or shape[0] not in {1, 3}:
        return None
    form = ImageFormat(shape[1], shape[2], "crop", "rgb" if shape[0] == 3 else "grey", 255)
    return ImageReader(form, classes)
