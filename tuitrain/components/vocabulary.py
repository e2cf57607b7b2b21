"""Words of texts as token numbers, padded to one length."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuitrain.components.data import TokenTexts

PADDING, UNKNOWN = 0, 1
"""Tokens of every vocabulary: what fills up a sample, and what the training part does not have."""
_FIRST = 2
_UNKNOWN_TEXT = "\N{REPLACEMENT CHARACTER}"
_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> list[str]:
    """Return a text's words and numbers in lower case, without punctuation."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that have a token of their own."""

    tokens: dict[str, int]

    @classmethod
    def of(cls, words: Iterable[str]) -> "Vocabulary":
        """Return the vocabulary of words in the order of their tokens."""
        return cls({word: _FIRST + place for place, word in enumerate(words)})

    @property
    def words(self) -> tuple[str, ...]:
        """The words in the order of their tokens."""
        return tuple(self.tokens)

    def __len__(self) -> int:
        return _FIRST + len(self.tokens)

    def texts(self) -> TokenTexts:
        """Return the words by their tokens."""
        return TokenTexts(("", _UNKNOWN_TEXT, *self.tokens), " ")

    def encode(self, texts: Sequence[Sequence[str]], length: int) -> Tensor:
        """Return the first `length` words of each text as [texts, length], padded at the end."""
        kind = torch.int16 if len(self) <= torch.iinfo(torch.int16).max else torch.int32
        encoded = torch.full((len(texts), length), PADDING, dtype=kind)
        for row, words in enumerate(texts):
            known = [self.tokens.get(word, UNKNOWN) for word in words[:length]]
            encoded[row, : len(known)] = torch.tensor(known, dtype=kind)
        return encoded


def build_vocabulary(texts: Iterable[Sequence[str]], most: int, min_count: int) -> Vocabulary:
    """Return the vocabulary of a training part: its most frequent words, ties in their order.

    Args:
        texts: in words.
        most: words that it may have at the most.
        min_count: times that a word must occur.
    """
    counts = Counter(word for words in texts for word in words)
    frequent = [word for word, number in counts.items() if number >= min_count]
    frequent.sort(key=lambda word: (-counts[word], word))
    return Vocabulary.of(frequent[:most])


def mean_over_words(states: Tensor, tokens: Tensor) -> Tensor:
    """Return the mean of states [batch, length, width] over the tokens that are no padding."""
    real = (tokens != PADDING).unsqueeze(2)
    return (states * real).sum(1) / real.sum(1).clamp(min=1)
