import sys
import types
from pathlib import Path

import pytest

from tuitrain.errors import UsageError
from tuitrain.extras import require


def test_a_library_that_is_there_is_returned() -> None:
    assert require("json.decoder", "none", "this") is sys.modules["json.decoder"]


def test_one_that_is_not_there_is_refused_with_what_installs_it() -> None:
    with pytest.raises(UsageError, match=r"plot needs nowhere_at_all.*pip install 'tuitrain\[p"):
        require("nowhere_at_all.part", "plots", "plot")


def test_what_a_library_lacks_itself_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = types.ModuleType("half_there")
    package.__path__ = [str(tmp_path)]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "half_there", package)
    (tmp_path / "part.py").write_text("import nowhere_at_all\n")
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        require("half_there.part", "plots", "plot")
