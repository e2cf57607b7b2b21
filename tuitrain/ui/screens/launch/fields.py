"""The settings that people change, a row each, with what is wrong right below.

Shows what it is given; knows no file and no draft's history.
"""

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tuitrain.config.editing.draft import Checked, value_text
from tuitrain.config.faults import Fault
from tuitrain.lang import tr
from tuitrain.messages import DeviceMemory
from tuitrain.ui.launch.form import (
    DEVICE,
    RUN_NAME,
    device_choices,
    device_hint,
    device_meant,
    field_plans,
)
from tuitrain.ui.launch.opening import is_within, values_of, words_below
from tuitrain.ui.widgets.fields import Field
from tuitrain.view.format import sanitise


class SettingFields(VerticalScroll, can_focus=False):
    """A field for each of the usual settings."""

    DEFAULT_CSS = "SettingFields { height: 1fr; scrollbar-size: 1 1; }"

    def __init__(self) -> None:
        """Offer the devices that every machine has."""
        super().__init__(id="form")
        self._devices: tuple[DeviceMemory, ...] = ()
        self._fields = [
            Field(plan.key, tr(plan.label), tr(plan.hint), plan.choices) for plan in field_plans()
        ]

    def compose(self) -> ComposeResult:
        """Put the fields below each other."""
        yield from self._fields

    def enter(self) -> None:
        """Give the focus to the first."""
        self._fields[0].enter()

    def narrow(self, narrow: bool) -> None:
        """Let hints give way to values, or not."""
        for field in self._fields:
            field.set_class(narrow, "narrow")

    def offer(self, devices: tuple[DeviceMemory, ...]) -> None:
        """Offer devices to train on."""
        self._devices = devices
        for field in self._fields:
            if field.key == DEVICE:
                field.offer(device_choices(devices))

    def fill(
        self, checked: Checked, usual: Checked, typed: Mapping[str, str], name_fault: str
    ) -> set[str]:
        """Show settings; return the keys of the faults that stand below a field.

        Args:
            checked: as they are.
            usual: as they were at first.
            typed: what was typed for some, by key, which may be none of the allowed values.
            name_fault: what is wrong with the name of the run.
        """
        shown = {id(fault): key for fault in checked.faults if (key := self._field_of(fault))}
        now, before = values_of(checked), values_of(usual)
        for field in self._fields:
            if field.key == RUN_NAME:
                field.blame(name_fault)
                continue
            value, at_first = value_text(now, field.key), value_text(before, field.key)
            field.fill(typed.get(field.key, value), at_first)
            field.say(sanitise(self._hint(field.key, value, at_first)), value != at_first)
            own = [fault for fault in checked.faults if shown.get(id(fault)) == field.key]
            field.blame(_blame(own, field.key))
        return {fault.key for fault in checked.faults if id(fault) in shown}

    def _field_of(self, fault: Fault) -> str:
        """Return the key of the field that a fault is shown below; empty: there is none."""
        keys = (field.key for field in self._fields)
        return next((key for key in keys if is_within(fault.key, key)), "")

    def _hint(self, key: str, value: str, usual: str) -> str:
        device = device_meant(value, self._devices) if key == DEVICE else None
        return device_hint(device) or (tr("preset: {usual}", usual=usual) if value != usual else "")


def _blame(faults: Sequence[Fault], key: str) -> str:
    return "; ".join(words_below(fault, key) for fault in faults)
