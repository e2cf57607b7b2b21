"""A run's hooks: built from the preset, asked by the loop where they have something to do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from tuitrain.components import registry
from tuitrain.components.hooks import Hook, HookContext
from tuitrain.config.schema import HookSection
from tuitrain.errors import CheckpointError, TrainingError


class HookList:
    """A run's hooks in the preset's order; knows which of them have something to do where."""

    def __init__(self, hooks: Sequence[tuple[str, Hook]]) -> None:
        self._named = tuple(hooks)
        self.transforms: list[Callable[..., tuple[Tensor, Tensor]]] = [
            hook.transform_batch for hook in self._that_override("transform_batch")
        ]
        self.updated: list[Callable[[int], None]] = [
            hook.updated for hook in self._that_override("updated")
        ]
        self.before_update: list[Callable[[int], None]] = [
            hook.before_update for hook in self._that_override("before_update")
        ]
        looking = self._that_override("during_evaluation")
        self.during_evaluation: list[tuple[str, Callable[[int], None]]] = [
            (name, hook.during_evaluation) for name, hook in self._named if hook in looking
        ]
        self.weights: list[Hook] = self._that_override("evaluation_weights")
        self.needs_body = next((name for name, hook in self._named if not hook.leaves_body), "")
        """The first that may have something to do with a body that is frozen; empty: none."""

    def _that_override(self, method: str) -> list[Hook]:
        return [
            hook
            for _name, hook in self._named
            if getattr(type(hook), method, None) is not getattr(Hook, method)
        ]

    def started(self, step: int) -> None:
        """Tell all that training goes on after `step` updates."""
        for _name, hook in self._named:
            hook.started(step)

    def evaluated(self, metrics: Mapping[str, float], step: int) -> None:
        """Tell all of an evaluation."""
        for _name, hook in self._named:
            hook.evaluated(metrics, step)

    def ended(self) -> None:
        """Tell all that training has ended."""
        for _name, hook in self._named:
            hook.ended()

    def state_dict(self) -> list[dict[str, Any]]:
        """Return the state of each, with its name."""
        return [{"name": name, "state": hook.state_dict()} for name, hook in self._named]

    def load_state_dict(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Go back to what `state_dict` returned.

        Raises:
            CheckpointError: the checkpoint was made with other hooks.
        """
        saved, here = [each["name"] for each in states], [name for name, _hook in self._named]
        if saved != here:
            raise CheckpointError(
                f"the checkpoint was made with the hooks {', '.join(saved) or 'none'}, the preset "
                f"has {', '.join(here) or 'none'}: resume with those it was made with"
            )
        for (_name, hook), each in zip(self._named, states, strict=True):
            hook.load_state_dict(each["state"])


def build_hooks(sections: Sequence[HookSection], context: HookContext) -> HookList:
    """Build the hooks that a preset names.

    Raises:
        TrainingError: there is no such hook, or it does not fit the run.
    """
    return HookList([(section.name, _build(section, context)) for section in sections])


def _build(section: HookSection, context: HookContext) -> Hook:
    build = registry.hook.find(section.name)
    given = (context,) if registry.takes_context(build) else ()
    hook = build(*given, **section.options)
    if not isinstance(hook, Hook):
        raise TrainingError(
            f"hooks.name = {section.name} returned {type(hook).__name__}, not a "
            "tuitrain.components.Hook"
        )
    return hook
