"""Every key of the interface, from the bindings of screens and widgets.

`python -m tuitrain.ui.keys` prints the tables for `tuitrain help interface`. Knows bindings,
not what they do.
"""

import importlib.util
import sys
from collections.abc import Iterable, Sequence

from textual.binding import ActiveBinding, Binding, BindingType
from textual.keys import format_key

from tuitrain.lang import key_word, term, tr
from tuitrain.ui.terminal import key_words
from tuitrain.view.keys import KeyFact, KeyGroup, key_table

BEGIN_MARK = "<!-- keys: begin -->"
END_MARK = "<!-- keys: end -->"

EVERYWHERE = term("Everywhere")
NOT_NOW = term("What does nothing now")
"""Heads keys that work at other times."""
_TEXTUAL = (
    KeyFact("tab", term("next panel"), term("Go to the next panel.")),
    KeyFact("shift+tab", term("previous panel"), term("Go to the previous panel.")),
    KeyFact("ctrl+p", term("commands"), term("Find any action by its name, and the themes.")),
)
"""Textual's own keys, which its bindings describe in other words or not at all."""

SOURCES = (
    (EVERYWHERE, "tuitrain.ui.app", "TuitrainApp"),
    ("Home", "tuitrain.ui.screens.home.screen", "HomeScreen"),
    ("Home, presets", "tuitrain.ui.widgets.homelists", "PresetList"),
    ("Home, runs", "tuitrain.ui.widgets.homelists", "RunList"),
    ("Home, a run", "tuitrain.ui.screens.home.keys", "RunKeys"),
    ("Home, the chosen runs", "tuitrain.ui.screens.home.runs", "RunsSide"),
    ("Home, labels of the chosen runs", "tuitrain.ui.screens.home.labels", "RunLabels"),
    ("Home, the table", "tuitrain.ui.screens.home.arrange", "TableKeys"),
    ("Home, columns", "tuitrain.ui.screens.home.columns", "ChooseColumns"),
    ("Home, data of your own", "tuitrain.ui.screens.own_data", "OwnDataScreen"),
    ("Filters", "tuitrain.ui.widgets.filterline", "FilterLine"),
    ("Launch", "tuitrain.ui.screens.launch.screen", "LaunchScreen"),
    ("Launch, model and data", "tuitrain.ui.screens.inspect", "InspectScreen"),
    ("Launch, a choice", "tuitrain.ui.widgets.fields", "Choice"),
    ("Launch, start", "tuitrain.ui.widgets.startbutton", "StartButton"),
    ("Run", "tuitrain.ui.screens.run.screen", "RunScreen"),
    ("Run, the panels of text", "tuitrain.ui.widgets.panel", "TextPanel"),
    ("Overlay", "tuitrain.ui.screens.choose", "ChooseRuns"),
    ("Log", "tuitrain.ui.screens.log", "LogScreen"),
    ("Log, the lines", "tuitrain.ui.widgets.logview", "LogView"),
    ("Workspace", "tuitrain.ui.screens.workspace.screen", "WorkspaceScreen"),
    ("Checkpoints", "tuitrain.ui.screens.checkpoints", "CheckpointsScreen"),
    ("Results", "tuitrain.ui.screens.results.screen", "ResultsScreen"),
    ("Results, checkpoint", "tuitrain.ui.screens.results.choose", "ChooseWeights"),
    ("Results, classes", "tuitrain.ui.widgets.results.classes", "ClassesPage"),
    ("Results, confusion", "tuitrain.ui.widgets.results.confusion", "HeatView"),
    ("Results, curves", "tuitrain.ui.widgets.results.charts", "CurvesPage"),
    ("Results, numbers", "tuitrain.ui.widgets.results.charts", "OutputsPage"),
    ("Results, recorded samples", "tuitrain.ui.widgets.results.recorded", "RecordedSamples"),
    ("Images and texts of a run", "tuitrain.ui.screens.samples", "SamplesScreen"),
    ("Use the model", "tuitrain.ui.screens.results.uses", "UseMenu"),
    ("Use the model, a command", "tuitrain.ui.screens.results.uses", "CommandScreen"),
    ("Time", "tuitrain.ui.screens.time", "TimeScreen"),
    ("Settings", "tuitrain.ui.screens.settings", "SettingsScreen"),
    ("Alerts", "tuitrain.ui.screens.alerts", "AlertsScreen"),
    ("Sweep", "tuitrain.ui.screens.sweeps.screen", "SweepScreen"),
    ("Sweep, the trials", "tuitrain.ui.screens.sweeps.trials", "TrialList"),
    ("Profile", "tuitrain.ui.screens.profile.screen", "ProfileScreen"),
    ("Profile, the table", "tuitrain.ui.screens.profile.parts", "RowList"),
    ("Profile, a row", "tuitrain.ui.screens.profile.parts", "Details"),
    ("Profile, compare with", "tuitrain.ui.screens.profile.parts", "ChooseProfile"),
    ("Profile, flame view", "tuitrain.ui.widgets.flameview", "FlameView"),
    ("Memory", "tuitrain.ui.screens.memory", "MemoryScreen"),
    ("Layers", "tuitrain.ui.screens.layers", "LayersScreen"),
    ("Machine", "tuitrain.ui.screens.machine", "MachineScreen"),
    ("Topics", "tuitrain.ui.screens.topics", "TopicsScreen"),
    ("Topics, a text", "tuitrain.ui.screens.topics", "TopicScreen"),
    ("Lists", "tuitrain.ui.widgets.picklist", "PickList"),
    ("Text", "tuitrain.ui.widgets.reader", "Reader"),
)
"""Title, module and class of everything that has keys of its own, in the order of the tables."""


def documented_keys() -> list[KeyGroup]:
    """Return the keys of every screen and widget that there is."""
    groups = []
    for title, module, name in SOURCES:
        if importlib.util.find_spec(module) is not None:
            found = getattr(importlib.import_module(module), name)
            own = key_facts(_own_bindings(found.BINDINGS))
            groups.append(KeyGroup(tr(title), (*own, *_textual()) if title == EVERYWHERE else own))
    return groups


def key_facts(bindings: Iterable[Binding]) -> tuple[KeyFact, ...]:
    """Return one fact an action, its keys together; those that are Textual's own are left out."""
    keys: dict[str, list[str]] = {}
    first: dict[str, Binding] = {}
    for binding in bindings:
        if binding.description and binding.id:
            first.setdefault(binding.action, binding)
            keys.setdefault(binding.action, []).extend(_keys(binding))
    return tuple(
        KeyFact(
            " ".join(dict.fromkeys(keys[action])),
            key_word(binding.description),
            tr(binding.tooltip),
        )
        for action, binding in first.items()
    )


def active_groups(
    active: Iterable[ActiveBinding], titles: Sequence[tuple[object, str]]
) -> list[KeyGroup]:
    """Return the keys that work now, those of each node together, and last those that don't.

    Args:
        active: from a screen.
        titles: nodes and what to call them, in the order to show; others are left out.
    """
    groups = []
    known = list(active)
    for node, title in titles:
        facts = key_facts(item.binding for item in known if item.node is node and item.enabled)
        facts += _textual() if title == EVERYWHERE else ()
        if facts:
            groups.append(KeyGroup(tr(title), facts))
    idle = key_facts(
        item.binding
        for item in known
        if not item.enabled and any(item.node is node for node, _title in titles)
    )
    return [*groups, KeyGroup(tr(NOT_NOW), idle)] if idle else groups


def _textual() -> tuple[KeyFact, ...]:
    return tuple(KeyFact(fact.keys, tr(fact.name), tr(fact.text)) for fact in _TEXTUAL)


def _own_bindings(bindings: Iterable[BindingType]) -> list[Binding]:
    return [item if isinstance(item, Binding) else Binding(*item) for item in bindings]


def _keys(binding: Binding) -> list[str]:
    """Return a binding's keys as they are called on a keyboard."""
    return [_key(key.strip()) for key in binding.key.split(",")]


def _key(key: str) -> str:
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, key_words(format_key(last))])


if __name__ == "__main__":
    sys.stdout.write(f"{key_table(documented_keys())}\n")
