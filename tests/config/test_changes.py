import pytest

from tuitrain.config.changes import consequences, differences, set_options
from tuitrain.config.load import parse_preset, to_toml

PRESET = """
name = "small"
task = "classification"
[data]
name = "digits"
[model]
name = "cnn"
[loss]
name = "cross_entropy"
"""


def changes(*settings: str):
    return differences(parse_preset(PRESET, "x"), parse_preset(PRESET, "x", settings))


def test_what_differs_is_listed_by_key_with_both_values():
    found = changes("train.epochs=20", "model.hidden=7", 'data.augment=[{name="flip"}]')
    assert [str(change) for change in found] == [
        'data.augment [] -> [{name = "flip", probability = 0.5}]',
        "model.hidden 128 -> 7",
        "train.epochs 10 -> 20",
    ]
    assert [change.allowed for change in found] == [True, False, True]
    assert not differences(
        parse_preset(PRESET, "x"), parse_preset(to_toml(parse_preset(PRESET, "x")), "y")
    )


@pytest.mark.parametrize(
    "setting",
    ["name=b", "train.seed=1", "data.validation_fraction=0.3", "model.name=mlp",
     "loss.label_smoothing=0.1", "optimizer.name=sgd", "optimizer.betas=[0.8, 0.9]",
     "checkpoint.mode=min", "train.weights_from=x.pt"],
)  # fmt: skip
def test_what_would_make_another_run_can_not_change(setting):
    assert not any(change.allowed for change in changes(setting))


def test_data_that_moved_and_a_cache_that_is_not_wanted_end_no_run():
    text = PRESET.replace('name = "digits"', 'name = "image_folder"\npath = "/old"')
    settings = ["data.path=/new", "data.cache=false"]
    found = differences(parse_preset(text, "x"), parse_preset(text, "x", settings))
    assert [(change.key, change.allowed) for change in found] == [
        ("data.path", True),
        ("data.cache", True),
    ]
    told = list(consequences([change.key for change in found], "constant"))
    assert "exact: what follows is as in a run that had these settings from its start" in told
    assert any("have to be the same ones" in line for line in told)


def test_the_options_that_ask_for_changes_read_back_as_them():
    found = changes('data.augment=[{name="flip"}]', "optimizer.lr=0.5")
    options = set_options(found)
    assert options == (
        """--set 'data.augment=[{name = "flip", probability = 0.5}]' --set optimizer.lr=0.5"""
    )


@pytest.mark.parametrize(
    ("keys", "schedule", "said", "unsaid"),
    [
        (["train.epochs"], "constant", "from its start", "not exact"),
        (["train.epochs"], "cosine", "over the new number of steps", "from its start"),
        (["train.batch_size"], "constant", "in its order after the samples", "from its start"),
        (["optimizer.lr"], "constant", "the base rate", "from its start"),
        (["checkpoint.keep", "data.workers"], "cosine", "from its start", "not exact"),
    ],
)
def test_what_stays_exact_is_said_and_what_does_not(keys, schedule, said, unsaid):
    text = "\n".join(consequences(keys, schedule))
    assert said in text
    assert unsaid not in text
    assert "exact: weights, optimizer and random state" in text
