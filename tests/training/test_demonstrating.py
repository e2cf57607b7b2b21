"""What a page says of a sample, without the page."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.test_evaluating import IRIS, SENTENCE, TASKS, draw, train
from tests.training.test_explaining import built, coded
from tests.training.test_predicting import saved
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.training.demonstrating.answering import (
    Demonstration,
    Field,
    enlarged,
    pixels_of,
    trust,
)
from tuitrain.training.demonstrating.page import (
    class_shares,
    column_bars,
    number_text,
    refuse_unusable,
)

pytest.importorskip("captum", reason="the extra explain is not installed")
GRADIENTS = "integrated-gradients"


def test_an_image_is_answered_as_predict_does_and_drawn(tmp_path: Path) -> None:
    draw(tmp_path / "pictures", 6)
    text = (
        f'task = "classification"\ndata = {{ name = "image_folder", path = "{tmp_path}/pictures", '
        'size = 8 }\nmodel = { name = "mlp", hidden = [4] }\n'
    )
    run = train(tmp_path, text)
    file = tmp_path / "pictures" / "light" / "1.png"
    demonstration = Demonstration(built(tmp_path, text))
    assert demonstration.methods == (GRADIENTS, "occlusion", "grad-cam")
    answer = demonstration.image(str(file), GRADIENTS)
    assert set(class_shares(answer.words)) == {"dark", "light"}
    assert answer.explanation is not None
    assert pixels_of(answer.explanation).shape == (8, 8, 3)
    assert enlarged(pixels_of(answer.explanation)).shape == (256, 256, 3)
    assert "(delta " in trust(answer.explanation)
    without = demonstration.image(str(file), "grad-cam")
    assert without.explanation is None
    assert "model.name = mlp has no convolution" in without.note
    own = class_shares(Demonstration(run.course.parts).image(str(file)).words)
    predicted = {one["class"]: one["probability"] for one in run.predict(file)[0]["classes"]}
    assert own == pytest.approx(predicted, rel=1e-4)
    (tmp_path / "broken.png").write_text("no image")
    with pytest.raises(DataUnavailableError, match=r"broken.png is no image"):
        demonstration.image(str(tmp_path / "broken.png"))


def test_a_row_is_filled_in_by_its_columns_and_may_be_of_unknown_categories(
    tmp_path: Path,
) -> None:
    demonstration = Demonstration(coded(tmp_path))
    size, city, side = demonstration.fields
    assert (size.name, size.choices) == ("size", ())
    assert city == Field("city", ("A", "B", "C"), "A")
    assert side.choices == ("x", "y")
    answer = demonstration.row({"side": "z", "size": 3.0, "city": "B"}, GRADIENTS)
    assert answer.explanation is not None
    assert [(c["column"], c["value"]) for c in answer.explanation["columns"]] == [
        ("size", 3.0), ("city", "B"), ("side", ""),
    ]  # fmt: skip
    bars = column_bars(answer.explanation)
    assert "city = B" in bars
    with pytest.raises(DataUnavailableError, match="the row, line 1: column size has no value"):
        demonstration.row({"side": "x", "size": None, "city": "B"})  # type: ignore[dict-item]


def test_what_is_not_from_the_program_is_escaped() -> None:
    columns = [{"column": "<b>", "value": "<script>", "attribution": 1.0}]
    bars = column_bars({"columns": columns})
    assert "&lt;b&gt; = &lt;script&gt;" in bars
    assert "<script>" not in bars
    assert class_shares({"classes": [{"class": " ", "probability": 0.5}]}) == {"' '": 0.5}


def test_a_language_model_goes_on_the_same_way_for_the_same_seed(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(SENTENCE * 30)
    text = TASKS["tokens"].replace("PATH", str(tmp_path / "text.txt"))
    demonstration = Demonstration(built(tmp_path, text))
    one, same, other = (demonstration.continued("the qu", 20, 1.0, seed) for seed in (1, 1, 2))
    assert len(one) == 20
    assert one == same != other
    answer = demonstration.text("the qu", GRADIENTS)
    assert len(class_shares(answer.words)) == 10
    assert answer.explanation is not None
    assert "".join(word["word"] for word in answer.explanation["words"]) == "the qu"
    with pytest.raises(UsageError, match="there is no text"):
        demonstration.text(" ")


def test_masks_reconstructions_and_numbers_are_answered_without_an_explanation(
    tmp_path: Path,
) -> None:
    for kind in ("pixels", "tensors"):
        parts = built(tmp_path, TASKS[kind])
        (file,) = saved(parts, tmp_path / kind, 1)
        demonstration = Demonstration(parts)
        assert demonstration.methods == ()
        answer = demonstration.image(str(file), GRADIENTS)
        with Image.open(file) as image:
            assert answer.drawn is not None
            assert answer.drawn.shape == (*np.asarray(image).shape, 3)
        assert class_shares(answer.words) or number_text(answer.words).startswith("mean squared")
    numbers = Demonstration(built(tmp_path, TASKS["numbers"]))
    values = {field.name: field.value for field in numbers.fields}
    assert float(number_text(numbers.row(values).words))


def test_a_series_has_no_page(tmp_path: Path) -> None:
    text = 'task = "regression"\ndata = { name = "sine", points = 400 }\nmodel = { name = "gru" }\n'
    with pytest.raises(UsageError, match="demo: it is for images, tables and texts"):
        Demonstration(built(tmp_path, text))
    plain = Demonstration(built(tmp_path, f'task = "classification"\n{IRIS}'))
    assert plain.methods == (GRADIENTS,)


def test_an_address_of_another_machine_is_refused_at_once() -> None:
    # RFC 5737 keeps it for documentation: no machine has it.
    with pytest.raises(UsageError, match=r"demo: --host 192.0.2.1 can't be listened on"):
        refuse_unusable("192.0.2.1", None)
    refuse_unusable("127.0.0.1", None)
