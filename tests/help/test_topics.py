"""The texts of the help are whole, true where they are made from code, and read in a terminal."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.help.generated import FOLDER, PARTS, Generated
from tuitrain import lang
from tuitrain.errors import UsageError
from tuitrain.help import find_topic, topics


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.language}-{part.topic}")
def test_what_is_made_from_the_code_is_of_this_version(part: Generated) -> None:
    assert part.found() == part.made(), "python -m tests.help.generated writes it"


def test_every_text_has_a_title_and_a_sentence_on_what_it_is_on() -> None:
    names = [topic.name for topic in topics()]
    assert sorted(names) == sorted(path.stem for path in FOLDER.glob("*.md"))
    assert names[:3] == ["session", "interface", "commands"]
    for topic in topics():
        assert topic.text.startswith(f"# {topic.title}\n\n"), topic.name
        assert topic.summary.endswith("."), topic.name
        assert len(topic.summary) <= 110, topic.name


def test_the_same_topics_are_there_in_chinese_or_say_that_they_are_not() -> None:
    english = {topic.name: topic for topic in topics()}
    written = {path.stem for path in (FOLDER / "zh").glob("*.md")}
    assert written <= set(english)
    lang.speak("zh")
    try:
        chinese = {topic.name: topic for topic in topics()}
        word = lang.tr("This topic is there in English only.")
    finally:
        lang.speak(lang.ENGLISH)
    assert list(chinese) == list(english)
    for name, topic in chinese.items():
        assert topic.text.startswith(f"# {topic.title}\n\n"), name
        assert (word in topic.text) == (name not in written), name
        assert (topic.summary == english[name].summary) == (name not in written), name
        assert "—" not in topic.text, name


def test_links_between_texts_lead_somewhere() -> None:
    names = {path.name for path in FOLDER.glob("*.md")}
    for topic in topics():
        for target in re.findall(r"\]\(([^)]+)\)", topic.text):
            if not target.startswith("http"):
                path = (FOLDER / target.partition("#")[0]).resolve()
                assert target in names or path.exists(), f"{topic.name}: {target}"


def test_a_beginning_of_a_name_is_enough_where_it_is_one_of_one() -> None:
    assert find_topic("exact").name == "exact-resume"
    with pytest.raises(UsageError, match="no topic 'own'; near it: own-data, own-code, own-script"):
        find_topic("own")
    with pytest.raises(UsageError, match="no topic 'memry'; near it: memory"):
        find_topic("memry")


def run(*arguments: str, language: str = "en") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tuitrain", "help", *arguments]
    environ = {**os.environ, "TUITRAIN_LANG": language, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)


def test_topics_are_listed_and_one_is_printed_as_it_is_into_a_pipe() -> None:
    listed = run()
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [t.name for t in topics()]
    assert run("memory").stdout == find_topic("memory").text
    chinese = run("memory", language="zh")
    assert chinese.stdout.startswith("# 内存的构成\n")
    other = run("memory", language="eo")
    assert other.stdout == find_topic("memory").text
    assert "TUITRAIN_LANG is 'eo', which there are no words of: en, zh; this is" in other.stderr
    missing = run("nothing")
    assert missing.returncode == 2
    assert "`tuitrain help` lists them" in missing.stderr


def test_in_a_terminal_a_topic_is_laid_out_in_a_pager() -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tuitrain", "help", "exact-resume"],
        stdin=slave, stdout=slave, stderr=slave, 
        env={**os.environ, "PAGER": "cat", "TUITRAIN_LANG": "en"},
    ) as process:  # fmt: skip
        os.close(slave)
        shown = b""
        while True:
            try:
                shown += os.read(master, 65536)
            except OSError:
                # The other end is closed.
                break
    os.close(master)
    assert process.returncode == 0
    assert b"Exact resume" in shown
    assert b"# Exact" not in shown
    assert b"\x1b[" in shown
