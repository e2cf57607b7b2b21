import tomllib

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.faults import Fault, InvalidPresetError
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.load import check_file, load_preset, parse_preset, to_toml
from tuitrain.config.overrides import parse_override
from tuitrain.errors import PresetError, UsageError

VALID = """\
name = "small"
task = "classification"

[data]
name = "digits"
augment = [{ name = "shift" }]

[model]
name = "cnn"
channels = [8]

[loss]
name = "cross_entropy"

[train]
epochs = 3
"""


def faults_of(text, overrides=()):
    with pytest.raises(InvalidPresetError) as caught:
        parse_preset(text, "x.toml", overrides)
    return [str(fault) for fault in caught.value.faults]


def only_fault(text, overrides=()):
    [fault] = faults_of(text, overrides)
    return fault


def test_every_default_is_explicit_in_the_resolved_preset():
    preset = parse_preset(VALID, "x.toml")
    assert preset.model.options == {"channels": [8], "hidden": 128, "dropout": 0.5}
    assert preset.optimizer.options == {"betas": [0.9, 0.999], "eps": 1e-8}
    assert preset.data.augment[0].options == {"pixels": 1}
    assert preset.data.options == {"validation_fraction": 0.2}
    assert preset.train.batch_size == 64


@pytest.mark.parametrize(
    ("task", "data", "loss", "checkpoint", "stop"),
    [
        ("classification", "digits", "cross_entropy", "val/accuracy max", "val/loss min"),
        ("binary", "circles", "bce_with_logits", "val/accuracy max", "val/loss min"),
        ("regression", "linear", "mse", "val/loss min", "val/loss min"),
    ],
)
def test_what_is_monitored_follows_from_the_task(task, data, loss, checkpoint, stop):
    text = (
        f'name = "x"\ntask = "{task}"\ndata.name = "{data}"\nmodel.name = "mlp"\n'
        f'loss.name = "{loss}"\n'
    )
    preset = parse_preset(text, "x.toml")
    assert f"{preset.checkpoint.monitor} {preset.checkpoint.mode}" == checkpoint
    assert f"{preset.stop.monitor} {preset.stop.mode}" == stop


def test_a_preset_without_a_loss_has_its_tasks_own():
    text = VALID.replace('name = "cross_entropy"', "")
    assert parse_preset(text, "x").loss.name == "cross_entropy"
    smooth = parse_preset(text, "x", ["loss.label_smoothing=0.1"]).loss
    assert (smooth.name, smooth.options["label_smoothing"]) == ("cross_entropy", 0.1)


def test_of_a_task_of_ones_own_only_names_are_known():
    own = ['task="my.tasks:Multi"', "checkpoint.monitor=val/hit_f1"]
    preset = parse_preset(VALID, "x", own)
    assert (preset.checkpoint.mode, preset.stop.monitor) == ("max", "val/loss")
    text = VALID.replace('name = "cross_entropy"', "")
    assert only_fault(text, own).endswith("loss.name: missing, must be text that is not empty "
        "(A registered loss, or `package.module:Name` of your own)")  # fmt: skip


def test_a_misspelt_task_is_answered_with_the_nearest_and_all_allowed_ones():
    fault = only_fault(VALID.replace('"classification"', '"clasification"'))
    assert fault.endswith('task: found "clasification", which is no task; did you mean '
        f"classification? allowed: {', '.join(sorted(read_catalogue().tasks))}, "
        "package.module:Name")  # fmt: skip


def test_the_mode_follows_from_the_metric_unless_it_is_given():
    preset = parse_preset(VALID, "x", ["checkpoint.monitor=train/loss", "stop.mode=max"])
    assert (preset.checkpoint.mode, preset.stop.mode) == ("min", "max")
    assert parse_preset(VALID, "x", ["stop.monitor=val/accuracy"]).stop.mode == "max"


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ("", "min"),
        (', monitor="val/accuracy"', "max"),
        (', monitor="val/rec"', "max"),
        (', monitor="val/accuracy", mode="min"', "min"),
    ],
)
def test_a_schedule_that_follows_a_metric_knows_which_way_it_is_better(options, mode):
    metrics = 'metrics=[{name="recall_macro", label="rec"}]'
    preset = parse_preset(VALID, "x", [metrics, f'schedule={{name="plateau"{options}}}'])
    assert preset.schedule.options["mode"] == mode
    assert f'mode = "{mode}"' in to_toml(preset)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("optimizer.lr = -1", "optimizer.lr: found -1, must be a number greater than 0"),
        ("optimizer.lr = inf", "optimizer.lr: found inf, must be a finite number greater than 0"),
        ('optimizer.lr = "a"', 'optimizer.lr: found "a", must be a number greater than 0'),
        ("optimizer.lr = true", "optimizer.lr: found true, must be a number greater than 0"),
        ("optimizer.lt = 1", "optimizer.lt: unknown key with optimizer adamw, "
                             "did you mean optimizer.lr?"),
        ("optimizer.eps = 0", "optimizer.eps: found 0, must be a number greater than 0"),
        ("schedule.name = 3", "schedule.name: found 3, must be text that is not empty"),
        ("stop.target = nan", "stop.target: found nan, must be a finite number"),
        ("schedule = 3", "schedule: found 3, must be a table"),
        ("checkpoint.mode = 'mx'", 'checkpoint.mode: found "mx", must be one of min or max'),
        ("checkpoint.best = 1", "checkpoint.best: found 1, must be true or false"),
        ("lr = 1", "lr: unknown key, did you mean optimizer.lr?"),
        ("optimiser.lr = 1", "optimiser: unknown key, did you mean optimizer?"),
        ("stop.epochs = 1", "stop.epochs: unknown key, did you mean train.epochs?"),
        ("stop.zzzz = 1", "stop.zzzz: unknown key, allowed: "
                          "monitor, mode, patience, min_delta, target"),
        ("schedule.name = 'step'", "schedule.every_steps: missing, set one of every_steps "
                                   "and every_epochs to a number of at least 1"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_key_what_was_found_and_what_is_allowed(line, fault):
    assert only_fault(f"# comment\n{line}\n{VALID}") == f"x.toml:2: {fault}"


def test_a_misspelt_name_is_answered_with_the_nearest_and_all_allowed_ones():
    fault = only_fault(VALID.replace('"cnn"\nchannels = [8]', '"cnm"'))
    assert fault.startswith('x.toml:9: model.name: found "cnm", which is no model; '
                            "did you mean cnn? allowed: ")  # fmt: skip
    assert fault.endswith("torchvision.NAME, package.module:Name")


def test_a_misspelt_torchvision_model_is_answered_with_the_nearest():
    fault = only_fault(VALID, ['model={name="torchvision.resnet81"}'])
    assert "did you mean torchvision.resnet18" in fault


def test_a_torchvision_model_takes_the_options_that_all_of_them_have():
    preset = parse_preset(VALID, "x", ['model={name="torchvision.resnet18", weights="DEFAULT"}'])
    assert preset.model.options == {
        "pretrained": False, "weights": "DEFAULT", "freeze": "none", "size": 0,
        "cache_features": True,
    }  # fmt: skip
    fault = only_fault(VALID, ['model={name="torchvision.resnet18", hidden=3}'])
    assert fault.endswith(
        "unknown key with model torchvision.resnet18, allowed: name, pretrained, "
        "weights, freeze, cache_features, size"
    )


def test_own_code_may_take_any_options_and_suits_any_task():
    preset = parse_preset(VALID, "x", ['data={name="my.data:Set", depth={a=[1]}}'])
    assert preset.data.options == {"depth": {"a": [1]}}


def test_every_fault_of_every_section_is_reported_in_the_order_of_the_file():
    text = """\
name = "Bad Name"
task = "classification"
[data]
name = "digits"
augment = [{ name = "shift", pixels = 0 }, 5]
[loss]
name = "cross_entropy"
label_smoothing = 7
[optimizer]
lr = -1
betas = [2]
"""
    faults = faults_of(text, ["train.epochs=x"])
    assert [fault.partition(": found")[0] for fault in faults] == [
        "x.toml: model: missing, must be a table",
        "--set train.epochs=x: train.epochs",
        "x.toml:1: name",
        "x.toml:5: data.augment[1]",
        "x.toml:5: data.augment[0].pixels",
        "x.toml:8: loss.label_smoothing",
        "x.toml:10: optimizer.lr",
        "x.toml:11: optimizer.betas",
    ]


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("train.seed=99999999999999999999", "of at least 0 and less than 2^63"),
        ("train.threads=100000", "of at least 0 and at most 1024"),
        ("data.workers=100000", "of at least 0 and at most 1024"),
        ("train.epochs=1" + "0" * 30, "greater than 0 and at most 1,000,000,000"),
        ("train.batch_size=0x" + "1" * 5000, "greater than 0 and at most 1,000,000,000"),
        ("train.max_steps=" + "1" * 5000, "a whole number of at least 0"),
        ("train.grace_s=1e300", "greater than 0 and at most 1,000,000,000"),
        ("alerts.hang_s=inf", "a finite number greater than 0"),
        ("optimizer.lr=nan", "a finite number greater than 0"),
        ("optimizer.lr=1" + "0" * 400, "a finite number greater than 0"),
        ("optimizer.lr=1e-400", "a number greater than 0"),
        ("train.device=cuda:999", "auto, cpu, cuda, cuda:N or mps"),
        ("model.hidden=1" + "0" * 30, "greater than 0 and at most 1,000,000,000"),
    ],
)
def test_a_number_that_would_fail_later_is_refused_with_what_is_allowed(override, allowed):
    [fault] = faults_of(VALID, [override])
    assert fault.endswith(allowed)


def test_a_number_of_too_many_digits_for_python_is_a_fault_of_the_file():
    text = VALID.replace("[model]", f"[train]\nepochs = {'1' * 5000}\n[model]")
    with pytest.raises(PresetError, match="too many digits"):
        parse_preset(text, "x.toml")


def test_a_preset_error_has_one_line_a_fault():
    with pytest.raises(PresetError) as caught:
        parse_preset(VALID, "x.toml", ["train.epochs=0", "train.seed=-1"])
    assert str(caught.value).splitlines() == [
        "the preset has 2 faults:",
        "--set train.epochs=0: train.epochs: found 0, must be a whole number greater than 0",
        "--set train.seed=-1: train.seed: found -1, must be a whole number of at least 0 "
        "and less than 2^63",
    ]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["loss.name=mse"], 'loss.name: found "mse", which fits task regression'),
        (["task=binary"], 'data.name: found "digits", which fits task classification, but'),
        (["stop.monitor=val/acc"], "did you mean val/accuracy"),
        (['schedule={name="plateau", monitor="val/los"}'], "did you mean val/loss"),
        (['schedule={name="plateau", monitor="train/loss"}'], "allowed: val/loss, val/accuracy"),
        (['hooks=[{name="mixup"}, {name="ema"}, {name="ema"}]'], "which hooks[1] is already"),
        (['hooks=[{name="unfreeze", modules=[]}]'], "must be a list of at least 1 texts"),
        (['data={name="text_csv", path=""}'], 'data.path: found "", must be text that is not em'),
        (['data={name="jsonl", path=""}'], 'data.path: found "", must be text that is not empty'),
        (["stop.monitor=train/lr"], "allowed: val/loss, val/accuracy, train/loss"),
        (["schedule.warmup_steps=9", "train.max_steps=9"], "less than train.max_steps = 9"),
        (["train.evaluate_every_epochs=0", "stop.patience=2"], "needs evaluations"),
        (["train.evaluate_every_epochs=0", "stop.target=0.1"], "needs evaluations"),
        (
            ['schedule={name="plateau"}', "train.evaluate_every_epochs=0"],
            "follows val/loss: it need",
        ),
        (['data.augment=[{name="random_erasing", scale=[0.5, 0.1]}]'], "must be [lowest, highest]"),
        (['data.augment=[{name="random_resized_crop", ratio=[2, 1]}]'], "must be [lowest, highest"),
        (["loss.class_weights=[0, 0]"], "at least one must be greater than 0"),
        (["stop.monitor=val/accuracy", "stop.target=98"], "must be within 0 and 1"),
        (['optimizer={name="sgd", nesterov=true}'], "needs optimizer.momentum greater than 0"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(overrides, said):
    assert any(said in fault for fault in faults_of(VALID, overrides))


@pytest.mark.parametrize(
    "overrides",
    [
        ["schedule.warmup_steps=8", "train.max_steps=9"],
        ["schedule.warmup_steps=8"],
        ["train.evaluate_every_epochs=0"],
        ["train.evaluate_every_epochs=0", "train.evaluate_every_steps=5", "stop.patience=2"],
        ['optimizer={name="sgd", nesterov=true, momentum=0.9}'],
        ["stop.monitor=val/accuracy", "stop.target=0.98"],
        ['data.augment=[{name="random_erasing", scale=[0.1, 0.1]}]', "loss.class_weights=[0, 1]"],
        ['schedule={name="plateau", monitor="val/aux/kl"}'],
        ['hooks=[{name="unfreeze", modules=["a"]}, {name="unfreeze", modules=["b"], at_epoch=2}]'],
        ['schedule={name="plateau", monitor="ema/loss"}', 'hooks=[{name="ema"}]'],
    ],
)
def test_settings_that_go_together_are_accepted(overrides):
    parse_preset(VALID, "x.toml", overrides)


def test_an_override_wins_over_the_file_and_a_later_one_over_an_earlier():
    preset = parse_preset(VALID, "x", ["train.epochs=5", "train.epochs=7", "train.seed = 3"])
    assert (preset.train.epochs, preset.train.seed) == (7, 3)


def test_an_override_inside_something_that_is_no_table_is_refused():
    fault = only_fault(VALID, ["name.first=1"])
    assert fault == (
        "--set name.first=1: name.first: name is no table, so nothing can be set in it"
    )


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("train.epochs=5", ("train", "epochs"), 5),
        ("optimizer.lr=3e-4", ("optimizer", "lr"), 3e-4),
        ("train.compile=true", ("train", "compile"), True),
        ("model.name=mlp", ("model", "name"), "mlp"),
        ("model.name='mlp'", ("model", "name"), "mlp"),
        ("model.hidden=[1, 2]", ("model", "hidden"), [1, 2]),
        ("data.name=my.code:Set", ("data", "name"), "my.code:Set"),
        ("description=a = b", ("description",), "a = b"),
        ("description=1\ntask = 2", ("description",), "1\ntask = 2"),
    ],
)
def test_an_override_is_read_as_toml_or_as_bare_text(text, path, value):
    assert parse_override(text) == (path, value)


@pytest.mark.parametrize(
    "text", ["train.epochs", "a.b=", "=5", "a..b=1", ".a=1", "a b=1", "a.b= ", "a.b=caf\udce9"]
)
def test_an_override_that_is_not_key_and_value_is_bad_usage(text):
    with pytest.raises(UsageError):
        parse_override(text)


def test_a_syntax_error_is_the_only_fault_and_has_its_line():
    assert only_fault("name = 'x'\nb = \n").startswith("x.toml:2: is not valid TOML: ")


def test_what_a_file_says_can_not_act_on_the_terminal():
    faults = faults_of('"\\u001b[2J" = "\\u009b2J"\n[train]\nepochs = "\\u001b]0;x\\u0007"\n')
    assert all(fault.isprintable() for fault in faults)


def test_files_that_can_not_be_read_are_faults_too(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    assert [fault.message for fault in check_file(tmp_path / "latin.toml")] == [
        "is not UTF-8 text (byte 8)"
    ]
    assert check_file(tmp_path / "none.toml") == [
        Fault(str(tmp_path / "none.toml"), None, "", "there is no such file")
    ]
    assert check_file(tmp_path)[0].message.startswith("can't be read")


@pytest.mark.parametrize(
    "path", sorted(built_in_preset_directory().glob("*.toml")), ids=lambda path: path.stem
)
def test_built_in_presets_are_valid_named_as_their_files_and_say_how_to_run_them(path):
    preset = load_preset(path)
    assert preset.name == path.stem
    assert preset.description
    assert f"#   tuitrain run {preset.name}\n" in path.read_text("utf-8")
    assert parse_preset(to_toml(preset), "again") == preset


def test_a_preset_without_evaluations_reads_back_as_the_same():
    preset = parse_preset(VALID, "x", ["train.evaluate_every_epochs=0"])
    assert parse_preset(to_toml(preset), "y") == preset


def values_of():
    name = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
    return st.fixed_dictionaries(
        {"name": name},
        optional={
            "description": st.text(st.characters(codec="utf-8"), max_size=200),
            "train": st.fixed_dictionaries(
                {},
                optional={
                    "epochs": st.integers(1, 10**9),
                    "evaluate_every_epochs": st.integers(1, 3),
                    "evaluate_every_steps": st.integers(1, 3),
                    "clip_norm": st.floats(0, 1e30),
                    "precision": st.sampled_from(["fp32", "bf16"]),
                    "device": st.sampled_from(["cpu", "cuda:1"]),
                },
            ),
            "stop": st.fixed_dictionaries(
                {}, optional={"target": st.floats(-5, 5), "patience": st.integers(0, 10**9)}
            ),
            "data": st.fixed_dictionaries(
                {
                    "name": st.just("own:Data"),
                    "any": st.recursive(
                        st.text(st.characters(codec="utf-8")) | st.integers() | st.booleans(),
                        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
                        max_leaves=6,
                    ),
                }
            ),
        },
    )


@settings(deadline=None)
@given(values_of())
def test_a_preset_written_as_toml_reads_back_as_the_same(values):
    text = tomli_w.dumps({**tomllib.loads(VALID), **values})
    preset = parse_preset(text, "x.toml")
    written = to_toml(preset)
    assert all(character.isprintable() or character == "\n" for character in written)
    assert parse_preset(written, "y.toml") == preset


def test_a_preset_is_loaded_from_its_file(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(VALID)
    assert load_preset(path, ["train.epochs=4"]).train.epochs == 4
    assert check_file(path) == []
