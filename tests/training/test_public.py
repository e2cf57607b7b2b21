import importlib
import subprocess
import sys

import pytest

from tuitrain import components
from tuitrain.components import registry


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        *(
            ("tuitrain.training.samples", name, "tuitrain.components")
            for name in ("Samples", "Splits", "DataSpec", "DataContext")
        ),
        *(
            ("tuitrain.training.registry", name, "tuitrain.components.registry")
            for name in ("model", "dataset", "import_own")
        ),
        ("tuitrain.training.samples", "sample_shape", "tuitrain.training.data.sources"),
    ],
)
def test_code_that_imports_from_an_old_place_works_and_is_told_of_the_new_one(
    old: str, name: str, new: str
) -> None:
    said = rf"^{old}\.{name} is now {new}\.{name}$"
    with pytest.warns(DeprecationWarning, match=said) as warned:
        exec(f"from {old} import {name} as found", here := {})
    assert here["found"] is getattr(importlib.import_module(new), name)
    assert [warning.filename for warning in warned] == ["<string>"]


def test_an_old_place_has_no_names_that_it_never_had() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        from tuitrain.training.samples import Nothing  # type: ignore[attr-defined]  # noqa: F401


def test_every_public_name_is_there_and_documented() -> None:
    for name in components.__all__:
        assert getattr(components, name).__doc__, name


def test_components_need_nothing_of_the_training() -> None:
    script = (
        "import sys; from tuitrain.components import registry; registry.model.find('linear');"
        "print([n for n in sys.modules if n.startswith('tuitrain.training')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_component_that_the_catalogue_has_can_be_found_by_its_name() -> None:
    from tuitrain.config.catalogue import read_catalogue

    for kind, name in read_catalogue().components:
        assert getattr(registry, kind).find(name)
