"""What the layers of a model do in a step, measured on request: it reads, and changes no bit.

Activations are seen by forward hooks that exist for the measured step alone, gradients and weights
right before the optimizer moves them. Knows nothing of when commands come or what is drawn.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from tuitrain.metric_names import layer_metric
from tuitrain.training.build import TrainingComponents
from tuitrain.training.checkpoints.sharded import whole
from tuitrain.training.instruments import Instrument
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.settings.live import LiveSettings

_ACTIVATIONS = "torch.nn.modules.activation"


class Activation:
    """What a layer gave in the passes of one step."""

    def __init__(self) -> None:
        self._squares: list[Tensor] = []
        self._numbers = 0
        self._alive: Tensor | None = None
        """Whether each unit has given anything but 0: [units]."""

    def see(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        """Take in one pass; a module that gives several tensors is known by its first."""
        tensor = output[0] if isinstance(output, tuple | list) and output else output
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.dim() < 2:
            return
        with torch.no_grad():
            seen = tensor.detach()
            self._squares.append(torch.linalg.vector_norm(seen, dtype=torch.float32).square())
            self._numbers += seen.numel()
            # Of images, [batch, channels, height, width], a unit is a channel; else, as in
            # [batch, features] and [batch, places, features], one of the last dimension.
            unit = 1 if seen.dim() >= 4 else seen.dim() - 1
            others = [place for place in range(seen.dim()) if place != unit]
            alive = (seen != 0).any(dim=others[0], keepdim=True)
            for place in others[1:]:
                alive = alive.any(dim=place, keepdim=True)
            alive = alive.flatten()
            self._alive = alive if self._alive is None else self._alive | alive

    def measures(self) -> dict[str, Tensor]:
        """Return the root of the mean square and the share of dead units; nothing where unseen."""
        if not self._squares or self._alive is None:
            return {}
        mean = torch.stack(self._squares).sum() / self._numbers
        return {"activation": mean.sqrt(), "dead": 1 - self._alive.float().mean()}


class LayerWatch:
    """Measures the layers in every so many steps, as the live setting `train.layers_every` says."""

    def __init__(
        self,
        components: TrainingComponents,
        settings: LiveSettings,
        recorder: StepRecorder,
        instrument: Instrument,
    ) -> None:
        self._components = components
        self._settings = settings
        self._recorder = recorder
        self._instrument = instrument

    def due(self, step: int) -> bool:
        """Return whether the step after `step` updates is to be measured."""
        every = self._settings["train.layers_every"]
        return every > 0 and (step + 1) % int(every) == 0 and self._instrument.works

    def take(self, take: Callable[[], None]) -> None:
        """Let a step be taken, and measure it."""
        look = self._instrument
        seen: dict[str, Activation] = {}
        handles: list[Any] = []
        look.look(lambda: handles.extend(self._listen(seen)), None)
        try:
            take()
        finally:
            for handle in handles:
                handle.remove()

    def _listen(self, seen: dict[str, Activation]) -> list[Any]:
        """Register what looks on, and return the handles that end it."""
        layers = dict(_layers_of(self._components.model))
        handles: list[Any] = []

        def measure(optimizer: Any, _given: Any, _named: Any) -> None:
            # What the optimizer computes again, as by a closure, is not looked at.
            for handle in handles[1:]:
                handle.remove()
            self._instrument.look(lambda: self._record(layers, seen, optimizer), None)

        handles.append(self._components.optimizer.register_step_pre_hook(measure))
        if self._components.compiled:
            # A compiled graph calls no hooks, and would be compiled again to do so.
            return handles
        for name, module in layers.items():
            seen[name] = Activation()
            handles.append(module.register_forward_hook(self._spared(seen[name].see)))
        return handles

    def _spared(self, see: Callable[..., None]) -> Callable[..., None]:
        def look(*given: Any) -> None:
            self._instrument.look(lambda: see(*given), None)

        return look

    def _record(
        self, layers: dict[str, nn.Module], seen: dict[str, Activation], optimizer: Any
    ) -> None:
        # A fused optimizer takes gradients as they are, and the scale with them.
        scale = getattr(optimizer, "grad_scale", None)
        for name, module in layers.items():
            measures = seen[name].measures() if name in seen else {}
            weights = [weight.detach() for weight in module.parameters(recurse=False)]
            gradients = [w.grad for w in module.parameters(recurse=False) if w.grad is not None]
            if weights:
                measures["weight"] = _norm(weights)
            if gradients:
                norm = _norm(gradients)
                measures["gradient"] = norm if scale is None else norm / scale
            for kind, value in measures.items():
                self._recorder.add_layer(layer_metric(kind, name), value)


def _layers_of(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the modules with weights of their own, and the activation functions between them.

    They are called as profiles call them: by their place in the model and their class.
    """
    return [
        (f"{name} ({type(module).__name__})".strip(), module)
        for name, module in model.named_modules()
        if any(True for _ in module.parameters(recurse=False))
        or type(module).__module__ == _ACTIVATIONS
    ]


def _norm(tensors: list[Tensor]) -> Tensor:
    """Return the norm of all numbers of some tensors together."""
    dense = [tensor.coalesce().values() if tensor.is_sparse else tensor for tensor in tensors]
    norms = [torch.linalg.vector_norm(tensor, dtype=torch.float32) for tensor in dense]
    return whole(cast(Tensor, torch.linalg.vector_norm(torch.stack(norms))))
