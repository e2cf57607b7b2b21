"""Messages as JSON: what goes out comes back, and what older versions wrote is still read."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain import messages as m

st.register_type_strategy(
    Mapping, lambda kind: st.dictionaries(*map(st.from_type, get_args(kind)), max_size=3)
)
EVENTS = get_args(m.Event)
REQUESTS = get_args(m.Request)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(kind: Any, data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    text = m.encode_pending([m.Numbered(2, 7, event)])
    carried = m.decode_pending(text)
    # NaN is not equal to itself, and prints the same.
    assert repr(carried) == repr(m.Pending((m.Numbered(2, 7, event),)))


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_request_comes_back_from_its_row_under_the_row_s_number(
    kind: Any, data: st.DataObject
) -> None:
    request = data.draw(st.from_type(kind))
    name, arguments = m.encode_request(request)
    found = m.decode_request(name, 12, json.loads(json.dumps(arguments)))
    expected = replace(request, command_id=12)
    if isinstance(expected, m.Stop):
        expected = replace(expected, reason="by command")
    if isinstance(expected, m.Profile):
        expected = replace(expected, name="")
    assert repr(found) == repr(expected)


def test_a_request_has_one_kind_and_each_kind_one_request() -> None:
    asked = (
        m.Pause(), m.Continue(), m.Stop(), m.SaveCheckpoint(), m.Evaluate(),
        m.ChangeSetting(0, "optimizer.lr", 0.1), m.Profile(0, 3), m.TakeStacks(),
    )  # fmt: skip
    kinds = ["pause", "resume", "stop", "checkpoint", "evaluate", "set", "profile", "stacks"]
    assert [m.kind_of(request) for request in asked] == kinds
    assert {type(request) for request in asked} == set(REQUESTS)


@pytest.mark.parametrize(
    ("kind", "arguments", "request_"),
    [
        ("pause", {}, m.Pause(4)),
        ("pause", {"release": True}, m.Pause(4, release=True)),
        ("resume", {}, m.Continue(4)),
        ("stop", {}, m.Stop(4)),
        ("stop", {"now": True}, m.Stop(4, now=True)),
        ("checkpoint", {}, m.SaveCheckpoint(4)),
        ("profile", {"steps": 20}, m.Profile(4, 20)),
        ("set", {"key": "optimizer.lr", "value": 1}, m.ChangeSetting(4, "optimizer.lr", 1)),
        # No row can fill in what is the supervisor's to say.
        ("stop", {"reason": "x", "command_id": 9}, m.Stop(4)),
    ],
)
def test_rows_of_older_versions_say_what_they_said(
    kind: str, arguments: dict[str, Any], request_: m.Request
) -> None:
    assert m.decode_request(kind, 4, arguments) == request_


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("dance", {}, "there is no command 'dance'"),
        ("pause", 7, "the arguments of 'pause' are no table"),
        ("profile", {}, "Profile.steps: Field required"),
        ("set", {"key": "optimizer.lr", "value": "fast"}, "ChangeSetting.value"),
    ],
)
def test_a_row_that_asks_for_nothing_known_is_named(kind: str, arguments: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        m.decode_request(kind, 4, arguments)


# --- the shapes that others rely on ---------------------------------------------------------------

PARTS = {
    "parameters_bytes": 1, "gradients_bytes": 2, "optimizer_bytes": 3, "buffers_bytes": 4,
    "data_bytes": 5, "activations_bytes": None, "total_bytes": None,
}  # fmt: skip
COUNTS = {"support": [10, 4], "predicted": [9, 5], "correct": [8, 3]}
OLD: dict[str, dict[str, Any]] = {
    "classes with names and pairs": {
        "type": "Evaluated", "time": 5.0, "step": 2, "epoch": 1.0, "duration_s": 0.5,
        "metrics": {"val/loss": 0.25},
        "counts": {"classes": ["cat", "dog"], **COUNTS, "confusion": [[8, 2], [1, 3]]},
    },
    "many classes": {
        "type": "Evaluated", "time": 5.0, "step": 2, "epoch": 1.0, "duration_s": 0.5,
        "metrics": {"val/loss": 0.25}, "counts": COUNTS,
    },
    "points": {
        "type": "StepsTaken", "time": 1.0, "first_step": 1, "last_step": 2, "epoch": 0.5,
        "train_s": 0.1,
        "points": [
            {"type": "MetricPoints", "name": "lr", "first_step": 1, "values": [1.0], "steps": None},
            {"type": "MetricPoints", "name": "x", "first_step": 2, "values": [2.0], "steps": [2]},
        ],
    },
    "memory": {
        "type": "MemoryAccounted", "time": 1.0, "step": 3,
        "account": {
            "device": "cpu", "batch_size": 50, "activations_source": "what autograd kept",
            "measured": PARTS, "estimated": {"error": "more than ten, please"},
        },
    },
    "out of memory": {
        "type": "MemoryRanOut", "time": 1.0, "step": 3,
        "account": {
            "device": "cuda:0", "asked_bytes": 7, "free_bytes": 1, "total_bytes": 80,
            "allocated_bytes": 60, "reserved_bytes": 70, "fragmented_bytes": 3, "others_bytes": 9,
            "blocks": [{"bytes": 5, "count": 2, "where": "net.py:3 forward"}], "phase": "step",
            "batch_size": 64, "fits_batch_size": 40, "per_sample_bytes": 2, "fixed_bytes": 3,
            "again": {"train.batch_size": 32, "train.accumulate": 2}, "command": "tuitrain run x",
        },
    },
    "out of memory before the first step": {
        "type": "MemoryRanOut", "time": 1.0, "step": 0,
        "account": {
            "device": "cpu", "asked_bytes": 7, "free_bytes": None, "total_bytes": None,
            "allocated_bytes": None, "reserved_bytes": None, "fragmented_bytes": None,
            "others_bytes": None, "blocks": [], "phase": "building",
        },
    },
    "profile": {
        "type": "ProfileWritten", "time": 1.0, "command_id": 3, "name": "p3", "first_step": 1,
        "last_step": 2,
        "facts": {
            "asked_steps": 2, "trace": "trace.json.gz", "trace_bytes": 10, "json_bytes": 99,
            "with_stacks": True, "device": "cpu", "held_up_s": 0.5, "steps_s": [0.1, 0.2],
            "note": "",
        },
    },
    "environment of a CPU": {
        "type": "TrainingPrepared", "time": 1.0, "start_step": 0, "total_steps": 10,
        "steps_per_epoch": 5, "parameters": 7, "device": "cpu", "ahead": 0,
        "environment": {
            "tuitrain": "1", "python": "3.11", "torch": "2.11", "torchvision": "", "numpy": "2",
            "platform": "Linux", "host": "box", "cpu_count": 2, "usable_cpus": None, "threads": 1,
            "device": "cpu", "device_name": "x86_64", "bf16": None, "data_on_device": True,
            "set_bytes": None, "train_samples": 50, "input_shape": [1, 8, 8], "parameters": 7,
        },
    },
    "devices": {
        "type": "WarmedUp",
        "devices": [{"name": "cpu", "product": "x86_64", "free_bytes": 1, "total_bytes": 2}],
    },
    "no estimate": {"type": "CostEstimated", "config": "x", "estimate": {"error": "no"}},
}  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_json_of_older_versions_is_read_and_written_with_the_same_names_and_shapes(
    name: str,
) -> None:
    event = m.decode_event(OLD[name])
    assert json.loads(json.dumps(m.to_plain(event))) == OLD[name]


def test_fields_that_came_later_may_be_missing_and_those_of_later_versions_are_left_out() -> None:
    old = {key: value for key, value in OLD["profile"].items() if key != "facts"}
    facts = {key: value for key, value in OLD["profile"]["facts"].items() if key != "json_bytes"}
    event = m.decode_event({**old, "facts": {**facts, "of_tomorrow": 1}, "of_tomorrow": 2})
    assert isinstance(event, m.ProfileWritten)
    assert m.plain_data(event.facts) == facts


def test_an_event_that_nobody_can_read_keeps_no_other_from_the_record() -> None:
    bad = {"type": "StepsTaken", "time": "noon"}
    text = json.dumps(
        [[1, 1, bad], [1, 2, OLD["many classes"]], [1, 3, {"type": "Dance"}], [1, 4, 7]]
    )
    carried = m.decode_pending(text)
    assert [item.sequence for item in carried.events] == [2]
    assert carried.left_out[0].startswith("StepsTaken.")
    assert "unknown event 'Dance'" in carried.left_out[1]
    assert "no event" in carried.left_out[2]


def test_no_payload_is_plain_data_of_any_kind() -> None:
    loose = [
        f"{kind.__name__}.{field.name}"
        for kind in (*EVENTS, *get_args(m.Command), *REQUESTS)
        for field in fields(kind)
        if "Any" in str(field.type)
    ]
    assert not loose
