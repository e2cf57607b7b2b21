import pytest

from tuitrain.config.schema import LIVE_SETTINGS
from tuitrain.config.settings import validate_setting
from tuitrain.errors import PresetError, UsageError


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("optimizer.lr", "3e-4", 3e-4),
        ("optimizer.lr", "1", 1.0),
        ("optimizer.weight_decay", "0", 0.0),
        ("stop.patience", "5", 5),
        ("checkpoint.every_minutes", "2.5", 2.5),
    ],
)
def test_a_live_setting_takes_what_the_preset_takes(key, text, value):
    assert validate_setting(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("optimizer.lr", "0", "optimizer.lr: found 0, must be a number greater than 0"),
        ("optimizer.lr", "fast", 'optimizer.lr: found "fast", must be a number greater than 0'),
        ("optimizer.lr", "inf", "optimizer.lr: found inf, must be a finite number greater than 0"),
        ("stop.patience", "1.5", "stop.patience: found 1.5, must be a whole number of at least 0"),
        ("train.clip_norm", "", 'train.clip_norm: found "", must be a number of at least 0'),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_allowed(key, text, said):
    with pytest.raises(PresetError) as caught:
        validate_setting(key, text)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("key", "meant"),
    [("lr", "optimizer.lr"), ("optimiser.lr", "optimizer.lr"), ("patience", "stop.patience")],
)
def test_another_key_is_refused_with_the_nearest_and_all_live_ones(key, meant):
    with pytest.raises(UsageError) as caught:
        validate_setting(key, "1")
    assert f"did you mean {meant}" in str(caught.value)
    assert ", ".join(LIVE_SETTINGS) in str(caught.value)
