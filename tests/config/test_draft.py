import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.config.editing.draft import Draft, value_text
from tuitrain.config.editing.shortest import shortest_overrides, toml_value
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.config.overrides import parse_override

PRESETS = sorted(built_in_preset_directory().glob("*.toml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in PRESETS}
CNN = TEXTS["digits-cnn"]


def resolved(text: str) -> str:
    return to_toml(parse_preset(text, "test"))


@pytest.mark.parametrize("name", TEXTS)
def test_an_untouched_preset_needs_no_options(name: str) -> None:
    checked = Draft(resolved(TEXTS[name])).check()
    assert checked.preset is not None
    assert shortest_overrides(TEXTS[name], checked.preset) == []


def test_only_what_differs_is_set() -> None:
    draft = Draft(resolved(CNN)).type_over("train.epochs", "5").type_over("train.seed", "0")
    preset = draft.check().preset
    assert preset is not None
    assert shortest_overrides(CNN, preset) == ["train.epochs=5"]


def test_what_is_typed_wrong_is_told_at_its_key_and_stands_in_the_text() -> None:
    checked = Draft(resolved(CNN)).type_over("train.batch_size", "many").check()
    assert checked.preset is None
    assert [fault.key for fault in checked.faults] == ["train.batch_size"]
    assert 'batch_size = "many"' in checked.text


def test_a_blank_field_keeps_the_value_of_the_text() -> None:
    checked = Draft(resolved(CNN)).type_over("train.epochs", "  ").check()
    assert checked.preset is not None
    assert checked.preset.train.epochs == 20


def test_text_that_is_no_toml_is_a_fault_and_stays_as_it_was_typed() -> None:
    checked = Draft("name = ").type_over("train.epochs", "5").check()
    assert checked.preset is None
    assert checked.text == "name = "
    assert "TOML" in checked.faults[0].message


def test_another_optimizer_drops_the_options_it_does_not_know() -> None:
    checked = Draft(resolved(CNN)).type_over("optimizer.name", "sgd").check()
    assert checked.preset is not None
    assert "betas" not in checked.preset.optimizer.options
    assert shortest_overrides(CNN, checked.preset) == ["optimizer.name=sgd"]


def test_options_that_the_file_gives_another_optimizer_make_its_table_be_set_whole() -> None:
    base = CNN.replace("weight_decay = 1e-4", "weight_decay = 1e-4\nbetas = [0.8, 0.9]")
    preset = Draft(resolved(base)).type_over("optimizer.name", "sgd").check().preset
    assert preset is not None
    overrides = shortest_overrides(base, preset)
    assert any(text.startswith("optimizer={") for text in overrides)
    assert parse_preset(base, "test", overrides) == preset


@given(
    name=st.sampled_from(sorted(TEXTS)),
    epochs=st.integers(1, 10**6),
    lr=st.floats(1e-12, 1e6),
    optimizer=st.sampled_from(["adamw", "sgd", "adam"]),
    schedule=st.sampled_from(["constant", "cosine"]),
    description=st.text(max_size=50),
    augment=st.booleans(),
)
def test_the_options_always_lead_to_the_preset_that_is_meant(
    name: str,
    epochs: int,
    lr: float,
    optimizer: str,
    schedule: str,
    description: str,
    augment: bool,
) -> None:
    draft = Draft(resolved(TEXTS[name]))
    typed = {
        "train.epochs": str(epochs),
        "optimizer.lr": repr(lr),
        "optimizer.name": optimizer,
        "schedule.name": schedule,
        "description": toml_value(description),
    }
    if augment:
        typed["data.augment"] = "[]"
    for key, text in typed.items():
        draft = draft.type_over(key, text)
    checked = draft.check()
    assert checked.preset is not None, checked.faults
    overrides = shortest_overrides(TEXTS[name], checked.preset)
    assert parse_preset(TEXTS[name], "test", overrides) == checked.preset


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )
)
def test_any_value_is_written_as_toml_that_reads_back_as_it(value: object) -> None:
    assert parse_override(f"a.b={toml_value(value)}")[1] == value
    assert tomllib.loads(f"a = {toml_value(value)}") == {"a": value}


def test_values_are_shown_as_they_are_typed() -> None:
    values = {"train": {"compile": True, "epochs": 3}}
    assert value_text(values, "train.compile") == "true"
    assert value_text(values, "train.epochs") == "3"
    assert value_text({"model": {"layers": ["a", 2, True]}}, "model.layers") == '["a", 2, true]'
    assert value_text(values, "train.epochs.more") == value_text(values, "none") == ""
