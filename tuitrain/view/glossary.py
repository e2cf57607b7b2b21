"""What the words on a screen mean, in a sentence each, for those who meet them first here."""

from collections.abc import Sequence

from tuitrain.lang import tr
from tuitrain.view.format import wrap
from tuitrain.view.spans import Span, SpanLine

MEANINGS = {
    "loss": "How wrong the model is: what training makes small. Compare train and val: where val "
    "rises while train falls, the model learns its samples by heart.",
    "accuracy": "Share of answers that are right, 0 to 1.",
    "top5": "Share of samples whose class is among the five that the model holds likeliest.",
    "f1_macro": "Precision and recall of each class in one number, averaged: small "
    "where a rare class is missed.",
    "perplexity": "Among how many tokens the model is as unsure as if it guessed: 1 is certain.",
    "bits_per_token": "Bits that the model needs for a token: the loss on a scale of base 2.",
    "mae": "How far predictions are off on average, in the target's own unit.",
    "rmse": "As mae, but large errors count more.",
    "r2": "Share of the targets' variation that is explained: 1 is all, 0 as good as the mean.",
    "mse": "Mean squared error.",
    "mean_iou": "How far predicted and true areas overlap, averaged over the classes, 0 to 1.",
    "iou_mean": "How far predicted and true areas overlap, averaged over the classes, 0 to 1.",
    "variance_explained": "Share of the inputs' variation that the reconstruction has, 1 is all.",
    "lr": "The learning rate: how far each step moves the weights. Too high and the loss jumps, "
    "too low and it creeps.",
    "grad_norm": "The length of all gradients together: how hard a step pulls. Sudden peaks come "
    "before a loss that diverges.",
    "samples_per_s": "Training samples that go through the model each second.",
    "MFU": "Model FLOPs utilisation: the share of the device's arithmetic that the model uses.",
    "epoch": "One pass over all training samples.",
    "step": "One update of the weights.",
    "train": "Measured on the samples that are learned from, while they are learned from.",
    "val": "Measured on samples that are held back, by evaluations.",
    "ema": "Of averaged weights, which move less than the raw ones.",
}  # fmt: skip
ALWAYS = ("step", "epoch", "train", "val", "MFU")
_MOST_NAME = 20


def word_lines(names: Sequence[str], width: int) -> list[SpanLine]:
    """Return a heading and the meaning of each word, wrapped at `width` cells.

    Args:
        names: of metrics on the screen, as `val/loss`; those without a meaning are left out.
        width: cells.
    """
    parts = [part for name in names for part in name.split("/")]
    words = [word for word in dict.fromkeys([*parts, *ALWAYS]) if word in MEANINGS]
    room = min(_MOST_NAME, max(map(len, words)))
    lines: list[SpanLine] = [(), (Span(tr("Words"), "title"),)]
    for word in words:
        first, *rest = wrap(tr(MEANINGS[word]), max(12, width - room - 4))
        lines.append((Span(f" {word:<{room}}  ", "key"), Span(first, "quiet")))
        lines += [(Span(" " * (room + 3)), Span(text, "quiet")) for text in rest]
    return lines
