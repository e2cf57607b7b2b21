"""What a model makes of images, as images: masks over them, reconstructions, files of both.

Knows neither terminals nor how a sample came.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.pictures import as_pixels, class_colours, is_image, to_png
from tuitrain.errors import FolderError, TrainingError
from tuitrain.training.build import TrainingComponents

_MASK_SHARE = 0.5
"""Of a mask's colour in what is drawn over an image."""
_MOST_CLASSES = 256
"""In 8 bits."""

Drawn = dict[str, Tensor]
"""Images uint8 [height, width, channels] by name."""


class PredictionPictures:
    """Draws the inputs and outputs of a run on images."""

    def __init__(self, parts: TrainingComponents, raw: Tensor) -> None:
        """Take a run and an input of it as its reader gives it, [1, ...]."""
        self._parts = parts
        self._bytes = raw.dtype == torch.uint8

    def input(self, prepared: Tensor) -> Tensor:
        """Return a prepared input [...] as it was before it was normalised, as pixels."""
        found = self._parts.data.preparation.restore(prepared[None])[0].detach().cpu().float()
        if not is_image(found):
            # Of other numbers of channels the first stands for all.
            found = found[:1]
        if self._bytes:
            return found.clamp(0, 255).round().to(torch.uint8).movedim(0, -1).contiguous()
        return as_pixels(found)[0]

    def shown(self, prepared: Tensor, output: Tensor) -> Drawn:
        """Return what is drawn of a sample: the image, and what else the output is as one."""
        picture = self.input(prepared)
        task = self._parts.task
        if task.target_dimensions == 2:
            return {"input": picture, "mask": over(picture, class_colours(output.argmax(0)))}
        if task.reconstructs:
            return {"input": picture, "reconstruction": self._reconstruction(output)}
        return {"input": picture}

    def files(self, prepared: Tensor, output: Tensor) -> dict[str, bytes | np.ndarray]:
        """Return what is written of a sample, by the end of its name: PNG files, else an array.

        Raises:
            TrainingError: there are more classes than a mask in 8 bits can tell.
        """
        if self._parts.task.target_dimensions == 2:
            if len(output) > _MOST_CLASSES:
                raise TrainingError(
                    f"--out: {len(output)} classes; a mask in 8 bits has {_MOST_CLASSES} at most"
                )
            mask = output.argmax(0).to(torch.uint8)[..., None]
            drawn = self.shown(prepared, output)
            return {"mask.png": to_png(mask), "over.png": to_png(drawn["mask"])}
        if is_image(output):
            return {"reconstruction.png": to_png(self._reconstruction(output))}
        return {"reconstruction.npy": output.numpy()}

    def _reconstruction(self, output: Tensor) -> Tensor:
        """Return an output as pixels: where it is to be the input, in the input's values."""
        own = self._parts.data.reconstructs_inputs
        return self.input(output.to(self._parts.device)) if own else as_pixels(output)[0]


def over(picture: Tensor, colours: Tensor) -> Tensor:
    """Return colours uint8 [3, height, width] drawn over an image of the same size, half each."""
    grey = picture.float().expand(-1, -1, 3)
    mixed = grey * (1 - _MASK_SHARE) + colours.movedim(0, -1).float() * _MASK_SHARE
    return mixed.round().to(torch.uint8)


def as_plain(drawn: Drawn) -> list[dict[str, Any]]:
    """Return images as JSON data: name, size, and pixels in base64."""
    return [
        {
            "name": name,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "channels": pixels.shape[2],
            "data": base64.b64encode(pixels.numpy().tobytes()).decode("ascii"),
        }
        for name, pixels in drawn.items()
    ]


class PictureFolder:
    """Where the files of predictions go: each sample's beside each other, none over another's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[Path] = set()

    def write(self, place: Path, files: Mapping[str, bytes | np.ndarray]) -> list[str]:
        """Write a sample's files; return where they are.

        Args:
            place: of the sample, relative to what the user named, without an ending.
            files: by the end of their names.

        Raises:
            FolderError: they can't be written.
        """
        stem = self._free(place)
        written = []
        for end, content in files.items():
            path = self._folder / stem.with_name(f"{stem.name}-{end}")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, bytes):
                    path.write_bytes(content)
                else:
                    np.save(path, content)
            except OSError as error:
                raise FolderError.of(path, error, "can't be written") from error
            written.append(str(path))
        return written

    def _free(self, stem: Path) -> Path:
        """Return a name that no other sample has."""
        number, found = 1, stem
        while found in self._taken:
            number += 1
            found = stem.with_name(f"{stem.name}-{number}")
        self._taken.add(found)
        return found
