"""`add_callbacks(YOLO("yolo11n.yaml"))` of Ultralytics, before `train`."""

from ultralytics.engine.model import Model

from tuitrain.script.hooks.ultralytics import CALLBACKS


def add_callbacks(model: Model) -> Model:
    """Show a model's training in tuitrain, and let it be paused, stopped and saved there.

    Args:
        model: of Ultralytics.

    Returns:
        The same model.
    """
    for event, callback in CALLBACKS.items():
        if callback not in model.callbacks.get(event, ()):
            model.add_callback(event, callback)
    return model
