import pytest

from tuitrain.config.folders import (
    built_in_preset_directory,
    config_directory,
    data_directory,
)
from tuitrain.config.presets import find_preset, list_presets, preset_names
from tuitrain.errors import PresetError

SMALL = 'name = "small"\ntask = "regression"\ndata.name = "linear"\nmodel.name = "linear"\nloss.name = "l1"\n'  # noqa: E501


@pytest.fixture
def folders(tmp_path):
    cwd, user = tmp_path / "cwd", tmp_path / "user"
    (cwd / "presets").mkdir(parents=True)
    (user / "presets").mkdir(parents=True)
    return cwd, user


def test_a_built_in_preset_is_found_from_anywhere(folders):
    found = find_preset("digits-cnn", *folders)
    assert (found.origin, found.shadowed, found.shadowing) == ("built-in", (), "")
    assert found.path.parent == built_in_preset_directory()


def test_the_nearer_folder_is_taken_and_the_others_are_named(folders):
    cwd, user = folders
    for folder in folders:
        (folder / "presets" / "digits-cnn.toml").write_text(SMALL)
    found = find_preset("digits-cnn", cwd, user)
    others = (
        user / "presets" / "digits-cnn.toml",
        built_in_preset_directory() / "digits-cnn.toml",
    )
    assert (found.origin, found.path) == ("./presets", cwd / "presets" / "digits-cnn.toml")
    assert found.shadowed == others
    assert all(str(path) in found.shadowing for path in others)
    found.path.unlink()
    assert find_preset("digits-cnn", cwd, user).origin == "user"


def test_a_name_with_a_slash_or_toml_is_a_file(folders):
    cwd, user = folders
    (cwd / "small.toml").write_text(SMALL)
    assert find_preset("small.toml", cwd, user).path == cwd / "small.toml"
    assert find_preset("./small.toml", cwd, user).origin == "file"
    assert find_preset(str(cwd / "small.toml"), cwd, user).path == cwd / "small.toml"
    with pytest.raises(PresetError, match="no such preset file"):
        find_preset("digits-cnn.toml", cwd, user)
    for data in ("homes.csv", "./presets"):
        with pytest.raises(PresetError, match=f"`tuitrain new {data}`"):
            find_preset(data, cwd, user)


def test_an_unknown_name_is_answered_with_near_ones_and_the_command_that_lists_them(folders):
    with pytest.raises(PresetError) as caught:
        find_preset("digit-cnn", *folders)
    assert "did you mean digits-cnn" in str(caught.value)
    assert "tuitrain presets list" in str(caught.value)


def test_in_a_checkout_the_built_in_presets_are_not_found_twice(tmp_path):
    found = find_preset("digits-cnn", built_in_preset_directory().parent, tmp_path)
    assert (found.origin, found.shadowed) == ("built-in", ())


def test_a_faulty_preset_is_listed_with_its_first_fault(folders):
    cwd, user = folders
    (cwd / "presets" / "bad.toml").write_text("name = \n")
    (user / "presets" / "small.toml").write_text(SMALL)
    listed = {item.found.name: item for item in list_presets(cwd, user)}
    assert list(listed) == preset_names(cwd, user) == sorted(listed)
    assert "bad.toml:1: is not valid TOML" in listed["bad"].error
    assert listed["bad"].preset is None
    assert listed["small"].error == ""
    assert listed["mnist-cnn"].download == "MNIST, 12 MB"
    assert listed["digits-cnn"].download == ""


def test_built_in_presets_lie_in_the_package_or_beside_it(tmp_path):
    package = tmp_path / "tuitrain"
    package.mkdir()
    assert built_in_preset_directory(package) == tmp_path / "presets"
    (package / "presets").mkdir()
    assert built_in_preset_directory(package) == package / "presets"


def test_data_sets_are_kept_where_the_option_says_else_the_environment_else_the_cache(tmp_path):
    environ = {"TUITRAIN_DATA": str(tmp_path / "named")}
    assert data_directory(tmp_path / "option", environ) == tmp_path / "option"
    assert data_directory(None, environ) == tmp_path / "named"
    assert data_directory(None, {}).parts[-2:] == ("tuitrain", "data")
    assert config_directory().name == "tuitrain"
