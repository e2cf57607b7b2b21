from pathlib import Path

import pytest

from tuitrain.config.folders import user_config_path
from tuitrain.config.load import load_preset, parse_preset, to_toml
from tuitrain.config.user import UserConfig, load_user_config
from tuitrain.errors import UsageError
from tuitrain.ui.launch.opening import open_settings

PRESET = """
name = "small"
task = "classification"
[data]
name = "digits"
[model]
name = "cnn"
[loss]
name = "cross_entropy"
[alerts]
hot_c = 85
"""


def environ(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return {"TUITRAIN_CONFIG": str(path)}


def test_without_a_file_everything_is_as_by_default(tmp_path: Path) -> None:
    assert user_config_path({}).name == "config.toml"
    assert load_user_config(environ(tmp_path, "")) == UserConfig()
    assert UserConfig().alert_defaults == {}
    notify = UserConfig().notify
    assert (notify.bell, notify.desktop, notify.webhook) == (False, "off", "")


def test_a_presets_own_limit_goes_before_the_users_and_that_before_the_default(
    tmp_path: Path,
) -> None:
    mine = load_user_config(environ(tmp_path, '[alerts]\nhot_c = 70\nhang_s = 5\noff = ["shm"]'))
    assert mine.alert_defaults == {"hot_c": 70, "hang_s": 5, "off": ["shm"]}
    preset = parse_preset(PRESET, "x.toml", ["alerts.slowdown_s=7"], mine.alert_defaults)
    alerts = preset.alerts
    assert (alerts.hot_c, alerts.hang_s, alerts.slowdown_s) == (85, 5, 7)
    assert (alerts.off, alerts.shm_share) == (["shm"], 0.9)


def test_a_resolved_preset_stands_for_itself(tmp_path: Path) -> None:
    resolved = parse_preset(PRESET, "x.toml", (), {"hang_s": 5})
    path = tmp_path / "config.toml"
    path.write_text(to_toml(resolved))
    assert load_preset(path, (), {"hang_s": 99, "hot_c": 60}) == resolved


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[notify]\nwebhook = 'ftp://x'", ':2: notify.webhook: found "ftp://x", must be an http'),
        ("[notify]\ndesktop = 'loud'", "must be one of auto, osc9, osc777 or off"),
        ("[notify]\nkinds = ['hungry']", "notify.kinds: found "),
        ("[notify]\nbel = true", ":2: notify.bel: unknown key, did you mean notify.bell?"),
        ("[alerts]\nhang_s = -1", ":2: alerts.hang_s: found -1, must be a number greater than 0"),
        ("[alerts]\noff = ['plato']", "must be a list of values out of divergence, plateau"),
        ("[alert]\n", "alert: unknown key, allowed: alerts, notify"),
        ("notify = 3", "notify: found 3, must be a table"),
        ("[notify", ":1: is not valid TOML"),
    ],
)
def test_a_fault_is_one_sentence_with_file_line_key_and_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load_user_config(environ(tmp_path, text))
    assert said in str(caught.value)
    assert str(tmp_path / "mine.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_the_environment_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        load_user_config({"TUITRAIN_CONFIG": str(tmp_path / "none.toml")})


def test_the_launch_form_begins_with_the_users_limits(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(PRESET)
    mine = environ(tmp_path, "[alerts]\nhot_c = 70\nhang_s = 5")
    opened = open_settings("small.toml", None, tmp_path, mine)
    alerts = parse_preset(opened.resolved, "form").alerts
    assert (alerts.hot_c, alerts.hang_s) == (85, 5)
