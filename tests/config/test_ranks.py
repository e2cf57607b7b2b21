"""What several ranks can't do is refused by its key before anything is started."""

import pytest

from tuitrain.config.faults import InvalidPresetError
from tuitrain.config.load import parse_preset
from tuitrain.config.several_ranks import is_for_ranks, may_lead

PRESET = """
name = "line"
task = "regression"
hooks = [{ name = "HOOK" }]
[data]
name = "linear"
[model]
name = "mlp"
[loss]
name = "mse"
[train]
"""


def faults(train: str, hook: str = "ema") -> list[str]:
    try:
        parse_preset(PRESET.replace("HOOK", hook) + train, "config.toml")
    except InvalidPresetError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("ranks", ["1", "2", '"auto"'])
def test_ranks_are_a_number_or_as_many_as_there_are_gpus(ranks: str) -> None:
    assert not faults(f"ranks = {ranks}")


@pytest.mark.parametrize("ranks", ["0", '"all"', "2.5", "true"])
def test_other_numbers_of_ranks_are_refused(ranks: str) -> None:
    [text] = faults(f"ranks = {ranks}")
    assert 'must be a whole number from 1 to 1024, or "auto"' in text


@pytest.mark.parametrize(
    ("key", "setting"),
    [
        ("train.compile", "compile = true"),
        ("train.oom", 'oom = "halve"'),
        ("train.memory_history", "memory_history = true"),
        ("train.device", 'device = "cuda:1"'),
        ("train.device", 'device = "mps"'),
        ("train.sync_batchnorm", 'sync_batchnorm = true\ndevice = "cpu"'),
    ],
)
def test_what_one_rank_alone_can_do_is_refused_by_its_key(key: str, setting: str) -> None:
    assert not faults(f"ranks = 1\n{setting}")
    [text] = faults(f"ranks = 2\n{setting}")
    assert f": {key}: found " in text


def test_a_hook_that_changes_which_parameters_are_trained_is_refused() -> None:
    [*_, text] = faults("ranks = 2", "unfreeze")
    assert 'hooks[0].name: found "unfreeze", needs train.ranks = 1, found 2' in text


@pytest.mark.parametrize(
    ("key", "setting"),
    [
        ("train.channels_last", "channels_last = true"),
        ("train.compress_gradients", "compress_gradients = true"),
        ("optimizer.name", '[optimizer]\nname = "muon"'),
    ],
)
def test_what_needs_all_of_a_weight_is_refused_where_ranks_hold_a_part(
    key: str, setting: str
) -> None:
    for fits in ('ranks = 1\nstrategy = "fsdp"', 'ranks = 2\nstrategy = "ddp"'):
        assert not faults(f"{fits}\n{setting}")
    [text] = faults(f'ranks = "auto"\nstrategy = "fsdp"\n{setting}')
    assert f": {key}: found " in text
    assert 'needs train.strategy = "ddp", found "fsdp"' in text


def test_a_hook_that_asks_the_model_on_rank_0_alone_is_refused() -> None:
    [text] = faults('ranks = 2\nstrategy = "fsdp"', "samples")
    assert 'hooks[0].name: found "samples", needs train.strategy = "ddp"' in text


def test_weights_in_bf16_need_passes_in_bf16() -> None:
    assert not faults('parameter_type = "bf16"\nprecision = "bf16"')
    [text] = faults('parameter_type = "bf16"')
    assert 'train.parameter_type: found "bf16", needs train.precision = "bf16"' in text


ONE, TWO, ALL = "[train]\nepochs = 2", "[train]\nranks = 2", '[train]\nranks = "auto"'


@pytest.mark.parametrize(
    ("config", "several"),
    [("", False), (ONE, False), ("[train]\nranks = 1", False), (TWO, True), (ALL, True),
     ("train = 3", False), ("no toml", False)],
)  # fmt: skip
def test_settings_are_for_several_ranks_where_they_may_lead_to_them(
    config: str, several: bool
) -> None:
    assert is_for_ranks(config) is several


@pytest.mark.parametrize(
    ("asked", "holds_devices", "may"),
    [
        ([ONE], True, False),  # it warmed up on the GPUs
        ([ONE], False, True),  # there are none
        ([ONE, TWO], True, False),  # ranks were chosen after that
        ([TWO, ONE], False, True),  # it warmed up for ranks
        ([ONE], None, False),  # it may be about to
        ([TWO, ALL], None, True),
        ([], None, True),
    ],
)
def test_an_agent_of_several_ranks_holds_no_device(
    asked: list[str], holds_devices: bool | None, may: bool
) -> None:
    assert may_lead(asked, holds_devices) is may
