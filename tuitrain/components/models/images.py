"""What models of images have in common; registers none."""

from tuitrain.components.data import DataSpec
from tuitrain.errors import TrainingError


def image_shape(spec: DataSpec, name: str) -> tuple[int, int, int]:
    """Return channels, height and width of the data.

    Raises:
        TrainingError: the samples are no images.
    """
    if len(spec.input_shape) != 3:
        raise TrainingError(
            f"model.name = {name} needs images, the data has shape {spec.input_shape}"
        )
    channels, height, width = spec.input_shape
    return channels, height, width


def too_small(spec: DataSpec, name: str, least: int) -> TrainingError:
    """Return the error of images that leave no pixel behind the last pooling."""
    _, height, width = spec.input_shape
    return TrainingError(
        f"model.name = {name} needs images of at least {least}x{least} pixels, the data has "
        f"{height}x{width}; resize them with data.augment"
    )
