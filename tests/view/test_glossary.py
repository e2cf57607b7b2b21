from tuitrain.config.catalogue import read_catalogue
from tuitrain.view.glossary import MEANINGS, word_lines
from tuitrain.view.spans import line_width, plain_text


def test_the_words_of_a_screen_are_explained_once_and_fit() -> None:
    names = ("train/loss", "val/loss", "lr", "own/strange", "val/accuracy")
    for width in (40, 56, 100):
        lines = word_lines(names, width)
        assert all(line_width(line) <= width for line in lines)
        text = "\n".join(map(plain_text, lines))
        assert text.count("How wrong the model is") == 1
        assert "The learning rate" in text
        assert "strange" not in text
        assert "One pass over all" in " ".join(text.split())


def test_every_metric_that_ships_with_a_task_has_a_meaning() -> None:
    wanted = {metric for task in read_catalogue().tasks.values() for metric in task.metrics}
    assert wanted <= set(MEANINGS)
