"""Hugging Face's Trainer: what it logs is seen, and it stops and saves by its own flags."""

from __future__ import annotations

from typing import Any

from tuitrain.script.agent import agent, guarded
from tuitrain.script.controls import Answer, Controls


def patch(module: Any) -> None:
    """Give every Trainer our callback.

    Args:
        module: transformers.trainer, just imported.
    """
    module.DEFAULT_CALLBACKS.append(make_callback(module.TrainerCallback))


class TrainerControls(Controls):
    """The flags of a Trainer: they are looked at at the end of each step."""

    name = "Hugging Face Trainer"
    can_save = True

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.saving: list[Answer] = []

    def stop(self) -> None:
        """Have the Trainer end after this step."""
        self.stopping = True

    def save(self, name: str, answer: Answer) -> None:
        """Have the Trainer save after this step, under the name that it gives itself."""
        del name
        self.saving.append(answer)


def make_callback(base: Any) -> Any:
    """Return a class of callbacks.

    Args:
        base: transformers.TrainerCallback.
    """

    class TuitrainCallback(base):  # type: ignore[misc]
        """Shows a Trainer's run in tuitrain, and lets it be paused, stopped and saved there."""

        def __init__(self) -> None:
            self._controls = TrainerControls()

        @guarded("the Trainer's begin")
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Take over what is asked of the loop."""
            del args, control
            watcher = agent()
            watcher.commands.controls = self._controls
            self._controls.total_steps = max(0, int(state.max_steps or 0))
            optimizer = kwargs.get("optimizer")
            if optimizer is not None and not watcher.commands.is_following:
                watcher.commands.optimizer = lambda: getattr(optimizer, "optimizer", optimizer)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Pass on what was asked at the update before this."""
            del args, state, kwargs
            if self._controls.stopping:
                control.should_training_stop = True
            if self._controls.saving:
                control.should_save = True

        @guarded("the Trainer's saving")
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Say that it has saved."""
            del control, kwargs
            for answer in self._controls.saving:
                answer("done", f"saved in {args.output_dir}/checkpoint-{state.global_step}")
            self._controls.saving.clear()

        @guarded("the Trainer's log")
        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any
        ) -> None:
            """Take in what is logged, under the names that its trackers use."""
            del args, control, kwargs
            agent().log(_renamed(logs or {}), state.global_step)

        @guarded("the Trainer's end")
        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Let the script's own loop be asked again."""
            del args, state, control, kwargs
            self._controls.stopping = False
            agent().commands.controls = Controls()

    return TuitrainCallback


def _renamed(logs: Any) -> dict[str, Any]:
    named = {}
    for name, value in logs.items():
        for prefix, group in (("eval_", "eval"), ("test_", "test"), ("", "train")):
            if name.startswith(prefix):
                named[f"{group}/{name[len(prefix) :]}"] = value
                break
    return named
