"""Calls a function right after the script has imported a module, and imports nothing itself.

Knows names of modules; nothing of what is done with them.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tuitrain.script.agent import guarded

HOOKS = {
    "torch": "torch_optimizer:patch",
    "torch.utils.tensorboard.writer": "tensorboard:patch",
    "tensorboardX.writer": "tensorboard:patch",
    "wandb.sdk.wandb_run": "wandb:patch",
    "wandb.sdk.lib.noop_run": "wandb:patch_disabled",
    "mlflow.tracking.fluent": "mlflow:patch",
    "transformers.trainer": "transformers:patch",
    "keras.src.callbacks.callback_list": "keras:patch",
    "ultralytics.utils.callbacks.base": "ultralytics:patch",
    "accelerate.accelerator": "accelerate:patch",
    "lightning.pytorch.trainer.trainer": "lightning:patch",
    "pytorch_lightning.trainer.trainer": "lightning:patch",
}
"""By module: the hook that is called with it, as FILE:FUNCTION of `tuitrain.script.hooks`."""


class AfterImport(importlib.abc.MetaPathFinder):
    """Sees modules being imported and has them patched; each once."""

    def __init__(self, hooks: dict[str, str]) -> None:
        """Wait for the modules of `hooks`."""
        self._waiting = dict(hooks)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Let the others find it, and come back once it has been executed."""
        hook = self._waiting.pop(fullname, None)
        if hook is None:
            return None
        spec = next(
            (
                found
                for finder in sys.meta_path
                if finder is not self
                and (found := finder.find_spec(fullname, path, target)) is not None
            ),
            None,
        )
        if spec is not None and spec.loader is not None:
            with contextlib.suppress(AttributeError, TypeError):
                _run_after(spec.loader, hook)
        return spec

    def forget(self, fullname: str) -> None:
        """Wait for a module no more."""
        self._waiting.pop(fullname, None)


def _run_after(loader: Any, hook: str) -> None:
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        # The loader is as it was, whatever looks at it from now on.
        del loader.exec_module
        run(module)
        call_hook(hook, module)

    loader.exec_module = exec_module


def call_hook(hook: str, module: ModuleType) -> None:
    """Patch a module; what fails is told, and leaves it as it is."""
    file, _, function = hook.partition(":")

    def patch() -> None:
        getattr(importlib.import_module(f"tuitrain.script.hooks.{file}"), function)(module)

    guarded(module.__name__)(patch)()


def install(hooks: dict[str, str]) -> None:
    """Patch modules of `hooks`: those that are there now, the others when they come."""
    finder = AfterImport(hooks)
    sys.meta_path.insert(0, finder)
    for name in list(hooks):
        if name in sys.modules:
            finder.forget(name)
            call_hook(hooks[name], sys.modules[name])
