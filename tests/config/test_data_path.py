"""Where a preset's data lie: beside it, else among the data sets."""

from pathlib import Path

import pytest

from tuitrain.config.data_path import with_whole_path
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.config.schema import Preset
from tuitrain.errors import UsageError


def preset(path: str, name: str = "image_folder") -> Preset:
    return parse_preset(
        f'name = "own"\ntask = "classification"\nmodel.name = "mlp"\n'
        f'data = {{ name = "{name}", path = "{path}" }}\n',
        "own.toml",
    )


def test_a_path_begins_at_the_preset_then_at_the_data_and_is_whole_from_then_on(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / "presets", tmp_path / "data"]
    (tmp_path / "data" / "own").mkdir(parents=True)
    found = with_whole_path(preset("own"), folders)
    assert found.data.options["path"] == str(tmp_path / "data" / "own")
    assert f'path = "{tmp_path}/data/own"' in to_toml(found)
    (tmp_path / "presets" / "own").mkdir(parents=True)
    found = with_whole_path(preset("own"), folders)
    assert found.data.options["path"] == str(tmp_path / "presets" / "own")
    assert with_whole_path(found, folders) == found


def test_a_path_that_leads_nowhere_is_told_with_the_places_looked_at(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        with_whole_path(preset("own"), [tmp_path / "a", tmp_path / "b"])
    assert str(caught.value) == (
        f"data.path = own: there is neither {tmp_path}/a/own nor {tmp_path}/b/own; "
        "put it there, or name where it is: --set data.path=PATH"
    )


def test_a_whole_path_that_leads_nowhere_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no {tmp_path}/own;"):
        with_whole_path(preset(f"{tmp_path}/own"), [tmp_path / "a", tmp_path / "b"])


def test_data_sets_without_a_path_and_of_ones_own_stay_as_they_are() -> None:
    own = preset("own", "mine.code:data")
    assert with_whole_path(own, []) is own


def test_a_data_set_that_needs_no_path_and_is_given_none_stays_as_it_is(tmp_path: Path) -> None:
    without = parse_preset(
        'name = "own"\ntask = "language_modelling"\nmodel.name = "gpt"\ndata.name = "text_file"\n',
        "own.toml",
    )
    assert with_whole_path(without, [tmp_path]) is without


def test_the_validation_part_is_looked_for_where_the_data_are(tmp_path: Path) -> None:
    for name in ("train.csv", "val.csv"):
        (tmp_path / name).touch()
    own = parse_preset(
        'name = "own"\ntask = "classification"\nmodel.name = "rnn"\n'
        'data = { name = "text_csv", path = "train.csv", validation_path = "val.csv" }\n',
        "own.toml",
    )
    found = with_whole_path(own, [tmp_path]).data.options
    assert found["path"] == str(tmp_path / "train.csv")
    assert found["validation_path"] == str(tmp_path / "val.csv")
