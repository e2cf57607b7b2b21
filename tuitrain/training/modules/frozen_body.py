"""A frozen body's features, computed once: training then runs the layer that follows it alone.

The model stays one module, and its state is what it was: only what a forward pass begins with is
another thing. Knows the parts of a run; nothing of the loop.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from tuitrain.components.data import Samples
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.build import Data, free_memory_bytes
from tuitrain.training.data.evaluation import evaluation_batches
from tuitrain.training.data.samples import first_samples
from tuitrain.training.data.sources import count
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.modules.modes import evaluation_mode
from tuitrain.training.runtime.randomness import generator_states, restore_generators
from tuitrain.units import size

_REPORT_S = 2.0
_LEAST_BATCH = 32
"""Without gradients so many samples take less than a small batch of the training does."""

Report = Callable[[str], None]


class HeadForward:
    """A model's forward pass from its last layer on; a copy of the model has a copy of it."""

    def __init__(self, model: nn.Module, head: nn.Module, dropout: nn.Module | None) -> None:
        """Stand ready.

        Args:
            model: the whole of it.
            head: its last layer.
            dropout: the one that lies directly before it; None: there is none.
        """
        self._model = model
        self._head = head
        self._dropout = dropout
        self._before: dict[int, Any] = {}

    def __call__(self, features: Tensor) -> Tensor:
        """Return the outputs of features as they go into the head, or into the dropout before."""
        if self._dropout is not None:
            features = self._dropout(features)
        outputs: Tensor = self._head(features)
        return outputs

    def begin(self) -> None:
        """Let the model take features; what prepares its inputs is of no use to them."""
        hooks = self._model._forward_pre_hooks
        self._before = dict(hooks)
        hooks.clear()
        self._model.forward = self

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Let the model take what it was built for, for a while."""
        del self._model.forward
        self._model._forward_pre_hooks.update(self._before)
        try:
            yield
        finally:
            self.begin()


class _Probe:
    """Notes what goes into a model's last layer, what comes out, and the dropout before it."""

    def __init__(self, model: nn.Module, head: nn.Module) -> None:
        self._model = model
        self.calls = 0
        self.features: Any = None
        self.outputs: Any = None
        self.dropout: nn.Module | None = None
        self._dropped: list[tuple[nn.Module, Any]] = []
        drops = [module for module in model.modules() if isinstance(module, _DropoutNd)]
        self._handles = [head.register_forward_hook(self._note)]
        self._handles += [each.register_forward_hook(self._note_dropout) for each in drops]

    def __call__(self, inputs: Tensor) -> Any:
        """Return the model's outputs."""
        self.calls, self._dropped = 0, []
        return self._model(inputs)

    def _note_dropout(self, module: nn.Module, _inputs: Any, outputs: Any) -> None:
        # In evaluation mode it gives the tensor that it was given.
        self._dropped.append((module, outputs))

    def _note(self, _module: nn.Module, inputs: Any, outputs: Any) -> None:
        self.calls += 1
        self.features, self.outputs = inputs[0], outputs
        direct = [module for module, dropped in self._dropped if dropped is self.features]
        self.dropout = direct[-1] if direct else None

    def close(self) -> None:
        """Take no more notes."""
        for handle in self._handles:
            handle.remove()


@torch.no_grad()
def keep_features(parts: TrainingComponents, report: Report, *, sizes_only: bool = False) -> None:
    """Put the features of a frozen body in the place of the data, where they stay the same.

    A model has a frozen body where its attribute `frozen_before` names the layer that follows it.
    The body is in evaluation mode, so dropout within it is off; dropout directly before the layer
    is not. Called when the weights are those that training goes on with: the features follow from
    them.

    Args:
        parts: of a run; the data and the model's forward pass are changed.
        report: is told what takes long, and why features are not kept.
        sizes_only: nothing is trained: only shapes and sizes are wanted of the features.
    """
    name = getattr(parts.model, "frozen_before", "")
    if not name:
        return
    head = parts.model.get_submodule(name)
    states, probe = generator_states(), _Probe(parts.model, head)
    try:
        with evaluation_mode(parts.model):
            reason = _hindrance(parts, name) or _probe_first(parts, probe)
            if reason:
                report(f"the features of the frozen body are computed at each step: {reason}")
                return
            data = _with_features(parts, probe, report, sizes_only)
    finally:
        probe.close()
        restore_generators(states)
    _switch(parts, data, HeadForward(parts.model, head, probe.dropout))


def _hindrance(parts: TrainingComponents, head: str) -> str:
    """Return why the body has to run at each step; empty: it need not."""
    data = parts.data
    if data.preparation.draws:
        return "data.augment makes other samples in each epoch"
    if not (isinstance(data.train, Samples) and isinstance(data.validation, Samples)):
        return "the data set yields samples one at a time"
    if name := parts.hooks.needs_body:
        return f"hooks.{name} may need all of the model"
    inside = {id(parameter) for parameter in parts.model.get_submodule(head).parameters()}
    if any(p.requires_grad and id(p) not in inside for p in parts.model.parameters()):
        return f"more than the layer {head} trains"
    return ""


def _probe_first(parts: TrainingComponents, probe: _Probe) -> str:
    """Look at the features of two samples; return why they can't be kept, empty: they can."""
    inputs, _targets = first_samples(parts.data, parts.device, 2)
    with parts.precision.autocast():
        outputs = probe(inputs)
    if probe.calls != 1 or probe.outputs is not outputs or len(probe.features) != len(inputs):
        return "what the last layer gives is not yet what the model gives"
    sets = (parts.data.train, parts.data.validation)
    needed = sum(map(count, sets)) * probe.features[0].nbytes
    room = parts.preset.data.memory_share * free_memory_bytes(parts.device)
    if needed > room:
        return f"they take {size(needed)}, more than data.memory_share of the free memory"
    return ""


def _with_features(
    parts: TrainingComponents, probe: _Probe, report: Report, sizes_only: bool
) -> Data:
    """Return the data with features for inputs."""
    data, first = parts.data, probe.features
    assert isinstance(data.train, Samples) and isinstance(data.validation, Samples)
    if sizes_only:
        train, validation = (_sizes_of(part, first) for part in (data.train, data.validation))
    else:
        tell = _Progress(parts, probe, len(data.train) + len(data.validation), report)
        train, validation = (
            _compute(parts, part, probe, tell) for part in (data.train, data.validation)
        )
    preparation = BatchTransform(
        seed=parts.preset.train.seed, statistics=None, augment=(), channels_last=False
    )
    preparation.input_type = first.dtype
    spec = replace(data.spec, input_shape=tuple(first.shape[1:]), kind="other", examples=None)
    return replace(
        data,
        train=train,
        validation=validation,
        spec=spec,
        preparation=preparation,
        on_device=True,
    )


def _sizes_of(samples: Samples, first: Tensor) -> Samples:
    one = torch.zeros((), dtype=first.dtype)
    return Samples(one.expand(len(samples), *first.shape[1:]), samples.targets)


def _compute(
    parts: TrainingComponents, samples: Samples, probe: _Probe, tell: "_Progress"
) -> Samples:
    """Return a set's features, in the type that the body gives them in, and its targets."""
    features = torch.empty(
        len(samples),
        *probe.features.shape[1:],
        dtype=probe.features.dtype,
        device=parts.device,
    )
    batches = evaluation_batches(
        samples,
        parts.data.preparation,
        batch_size=max(_LEAST_BATCH, parts.preset.train.batch_size),
        workers=0,
        device=parts.device,
    )
    made, targets = 0, []
    for inputs, wanted in batches:
        with parts.precision.autocast():
            probe(inputs)
        features[made : made + len(inputs)] = probe.features
        made += len(inputs)
        targets.append(wanted)
        tell(len(inputs))
    return Samples(features, torch.cat(targets))


class _Progress:
    """Tells how far the features are, now and then."""

    def __init__(
        self, parts: TrainingComponents, probe: _Probe, total: int, report: Report
    ) -> None:
        self._total, self._done, self._report = total, 0, report
        self._told_at = time.monotonic()
        drops = [m for m in parts.model.modules() if isinstance(m, _DropoutNd) and m.p]
        off = any(module is not probe.dropout for module in drops)
        self._words = "computing the features of the frozen body once" + (
            ", dropout within it is off" if off else ""
        )
        report(self._words)

    def __call__(self, samples: int) -> None:
        """Count samples that are done."""
        self._done += samples
        now = time.monotonic()
        if now - self._told_at >= _REPORT_S and self._done < self._total:
            self._told_at = now
            self._report(f"{self._words}: {self._done:,} of {self._total:,} samples")


def _switch(parts: TrainingComponents, data: Data, head: HeadForward) -> None:
    head.begin()
    parts.data, parts.head = data, head
    if parts.compiled:
        parts.forward = torch.compile(parts.model)
