"""The language file says all that the source marks, in its places, and nothing else."""

import ast
import re

import pytest

from tests.lang.marked import (
    allowed_words,
    descriptions,
    fields,
    literals,
    marked,
    shape,
    trees,
)
from tuitrain import lang
from tuitrain.failures.explain import explain
from tuitrain.failures.table import FAILURES
from tuitrain.lang.words import Translation, read_translation
from tuitrain.training.runtime.compile_choice import decide as decide_compile
from tuitrain.training.runtime.precision_choice import decide as decide_precision
from tuitrain.ui.curve_choices import AXES, axis_word, parse_across
from tuitrain.ui.launch.form import field_plans
from tuitrain.view.format import display_width
from tuitrain.view.run.failure import failure_details
from tuitrain.view.runlist.columns import LATER
from tuitrain.view.spans import plain_text

_LEAST_PART = 12
"""Of a sentence that is put together from parts, one so long has to be in the source."""


@pytest.fixture(scope="module")
def chinese() -> Translation:
    return read_translation("zh_CN")


def test_every_word_that_is_marked_has_a_translation(chinese: Translation) -> None:
    found = marked()
    assert found["texts"] - set(chinese.texts) == set()
    assert found["keys"] - set(chinese.keys) - set(chinese.texts) == set()


def test_every_word_of_the_file_is_in_the_source(chinese: Translation) -> None:
    found, said = marked(), literals()
    parts = [text for text in said if len(text) >= _LEAST_PART]
    assert set(chinese.keys) - found["keys"] - said == set()
    known = found["texts"] | said | descriptions() | allowed_words()
    assert {
        text for text in chinese.texts if text not in known and shape(text) not in said
    } == set()
    allowed = "\n".join(allowed_words())
    for sentence in chinese.sentences:
        form = shape(sentence)
        if re.search("^" + re.escape(form).replace(re.escape("{}"), ".*") + "$", allowed, re.M):
            continue
        begins = any(text.startswith(form) for text in said)
        assert begins or any(part.strip() in form for part in parts), sentence


def test_a_translation_has_the_fields_of_the_text(chinese: Translation) -> None:
    for texts in (chinese.keys, chinese.texts, chinese.sentences):
        for english, shown in texts.items():
            assert fields(shown) <= fields(english), english
            assert shown.strip(), english
    dropped = {e for e, s in chinese.texts.items() if fields(s) != fields(e)}
    assert dropped == set()


def test_words_are_taken_when_they_are_shown_and_not_when_a_module_is_read() -> None:
    for path, tree in trees().items():
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                calls = {ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
                assert not calls & {"tr", "said", "key_word"}, f"{path}:{node.lineno}"


NARROW = {
    8: ("tensors", "worker", "cached", "context", "loaders", "others", "unknown", "driver", "swap"),
    7: ("samples", "params", "step"),
    6: ("data", "copy", "fwd", "bwd", "optim", "other"),
    5: ("use", "mem", "power", "temp", "whose", "cores", "disk", "net", "read", "write", "in",
        "out"),
    10: ("forward", "backward", "optimizer"),
    12: ("parameters", "gradients", "activations", "buffers", "total", "ran out", "asked for",
         "fragments", "would fit", "run again", "steps", "memory", "device", "downloads"),
}  # fmt: skip
"""Words with a place of so many cells."""


def test_no_translation_is_wider_than_its_place(chinese: Translation) -> None:
    for cells, words in NARROW.items():
        for word in words:
            assert display_width(chinese.texts[word]) <= cells, word
    for plan in field_plans():
        assert display_width(chinese.texts.get(plan.label, plan.label)) <= 13, plan.label
        assert display_width(chinese.texts.get(plan.hint, plan.hint)) <= 23, plan.hint
    for state in ("running", "paused", "finished", "stopped", "failed", "lost", "queued"):
        assert display_width(chinese.texts[state]) <= LATER[0].width, state
    for english, shown in chinese.keys.items():
        assert display_width(shown) <= 14, english


@pytest.mark.parametrize(
    ("environ", "configured", "name"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "", "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "en", "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "", "en"),
        ({"LANG": "de_DE.UTF-8"}, "", "en"),
        ({"LANG": "en_GB.UTF-8", "TUITRAIN_LANG": "zh-Hans"}, "en", "zh"),
        ({"LC_MESSAGES": "zh_TW.UTF-8"}, "", "zh"),
        ({}, "", "en"),
    ],
)
def test_the_language_is_that_of_the_variable_the_configuration_or_the_locale(
    environ: dict[str, str], configured: str, name: str
) -> None:
    assert lang.choose(configured, environ) == lang.Choice(name)


def test_a_language_without_a_file_is_english_and_said_so() -> None:
    choice = lang.choose("", {"TUITRAIN_LANG": "eo", "LANG": "zh_CN.UTF-8"})
    assert choice.name == "en"
    assert choice.fault == "TUITRAIN_LANG is 'eo', which there are no words of: en, zh"


def test_sentences_on_record_are_shown_with_their_names_and_numbers(chinese: Translation) -> None:
    say = chinese.sentence
    assert say("the run is finished: 20 epochs done") == "实验已完成\uff1a已完成 20 轮"
    assert say("paused at step 1,234") == "已在第 1,234 步暂停"
    # Parts that are only sometimes there are told apart, and the longest pattern goes first.
    assert say("no step for 65 s (usually at least one every 0.1 s)").startswith("已有 65 s 没有")
    assert say("loss is nan at step 12; its update is left out").endswith("跳过此次更新")
    assert say("failed: {x}") == "failed: {x}"
    # A name that is a word stays the name.
    assert chinese.sentence("saved running") == "已保存 running"
    assert lang.said("paused at step 7") == "paused at step 7"
    assert lang.tr("step {step:,}", step=7000) == "step 7,000"


def test_what_is_wrong_with_a_setting_is_said_in_chinese(chinese: Translation) -> None:
    for words in sorted(allowed_words()):
        shown = chinese.sentence(f"found 1, must be {words}")
        assert shown.startswith("当前为 1") and "a number" not in shown, words
        assert words not in shown, words
    unknown = chinese.sentence("unknown key with model mlp, did you mean model.hidden?")
    assert unknown == "未知的键 with model mlp\uff0c是否指 model.hidden\uff1f"


def test_every_fault_of_a_preset_has_its_sentence(chinese: Translation) -> None:
    known = {shape(text) for text in (*chinese.sentences, *chinese.texts)}
    faults = {text for text in literals("config") if text.startswith(("found {},", "missing,"))}
    # What ends in a field, or is followed by more, is put together from others.
    whole = {text for text in faults if not text.endswith(("{}", " "))}
    assert whole and whole - known == set()


def test_why_a_run_chose_by_itself_is_said_in_chinese(chinese: Translation) -> None:
    say = chinese.sentence
    _chosen, why = decide_precision({"fp32": 2.0, "bf16": 1.0})
    assert say(f"train.precision = auto: bf16, {why}").endswith("速度是 fp32 的 2.00 倍")
    _chosen, why = decide_precision({"fp32": 1.0, "bf16": 1.0})
    assert "不比任何一种慢" in say(why)
    for seconds in ((1.0, 1.0, 9.0, 9), (2.0, 1.0, 9.0, 2), (2.0, 1.0, 9.0, 99)):
        _compiled, why = decide_compile(*seconds)
        assert "编译" in say(f"train.compile = auto: true, {why}"), why


@pytest.mark.parametrize(
    ("typed", "kind"),
    [("时间", "time"), ("步", "step"), ("time", "time"), ("对数步", "power"), ("loss", "val/loss")],
)
def test_an_axis_is_taken_in_the_words_that_it_is_shown_by(typed: str, kind: str) -> None:
    lang.speak("zh")
    try:
        assert parse_across(typed, ["val/loss"], AXES) == kind
        assert len({axis_word(each) for each in AXES}) == len(AXES)
    finally:
        lang.speak(lang.ENGLISH)


def test_every_kind_of_failure_is_explained_in_chinese(chinese: Translation) -> None:
    for kind in FAILURES:
        for text in (kind.name, kind.meaning, *kind.figures, *kind.advice):
            assert text in (chinese.sentences if fields(text) else chinese.texts), text
    [found] = explain(
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x5 and 64x10)", preset="a.toml"
    )
    lang.speak("zh")
    try:
        shown = "".join(plain_text(line) for line in failure_details(found, 200))
    finally:
        lang.speak(lang.ENGLISH)
    assert "输入有 5 个特征，该层需要 64 个。" in shown  # noqa: RUF001
    assert "`tuitrain model a.toml` 列出" in shown
