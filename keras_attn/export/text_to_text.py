"""A model with its tokenizer and its search: strings in, strings out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_attn.export.one_thread import one_thread
from keras_attn.export.outputs import (
    Alignment,
    Hypothesis,
    Output,
    align_strings,
    decode_strings,
    hypotheses_of_strings,
)
from keras_attn.export.text_graph import TextGraph


class TextToText(TextGraph):
    """Tokenize, encode, search, detokenize, all inside one graph.

    It shares the weights of `views`: use it before, during and after training.

    Args:
        views: `models.Views` over the vocabularies of `text`, or a `decoding.Ensemble`.
        text: a `Tokenizer`.
        search: any of `decoding`, such as `Beam()`; `Greedy()` if None.
        several: the search of `hypotheses`, such as `Beam(5, n_best=5)`; `search` if None.
        look: which of the attention weights are the alignment, an `alignment.Look`; the mean over heads of the last
            layer if None.
        shortlist: a `decoding.Shortlist` of the words to score; all if None.
        max_source_length: tokens read of a source; what follows is cut, and `truncated` says so.
        length_factor, length_extra: the output has at most `length_factor * source tokens + length_extra` tokens.

    >>> from keras_attn import models, text
    >>> tokens = text.Tokenizer.train([("a man", "ein Mann"), ("a horse", "ein Pferd")], vocabulary_size=300)
    >>> views = models.seq2seq(models.RNNEncoder(units=4), models.RNNDecoder(units=4), tokens.source.size,
    ...                        tokens.target.size)
    >>> output = TextToText(views, tokens)(["a man", ""])
    >>> len(output.text), output.text[1]
    (2, '')
    """

    def __call__(self, lines: Sequence[str], batch_size: int = 64, scores: bool = True) -> Output:
        """Decode any number of strings; an empty one gives an empty one.

        Args:
            lines: the strings.
            batch_size: how many at once.
            scores: whether scores are wanted; without, greedy search is faster, and they are nan.
        """
        if scores:
            return decode_strings(_traced(self.serve), lines, batch_size, self.lengths)
        output = decode_strings(_traced(self._inside.unscored), lines, batch_size, self.lengths)
        return dataclasses.replace(output, score=np.full(len(lines), np.nan, "float32"))

    def hypotheses(self, lines: Sequence[str], batch_size: int = 64) -> list[list[Hypothesis]]:
        """All that the search found for each string, best first; an empty one gives an empty one."""
        return hypotheses_of_strings(_traced(self.serve_hypotheses), lines, batch_size, self.lengths)

    def align(self, lines: Sequence[str], batch_size: int = 64) -> list[Alignment]:
        """Decode, and say where each output token looked, by the weights that `look` names."""
        return align_strings(_traced(self.serve_alignment), lines, batch_size, self.lengths)

    def lengths(self, lines: Sequence[str]) -> list[int]:
        """How many tokens the model reads of each string."""
        return [min(len(ids), self.max_source_length) for ids in self.text.source.encode(lines)]

    def save(self, folder: str | os.PathLike[str], check: Callable[[Path], None] | None = None) -> Path:
        """Write a SavedModel with the signatures of `export.SIGNATURES`, whole or not at all.

        Args:
            folder: the version's folder, `saved_models/NAME/1`, as TF Serving wants it. It must not exist.
            check: is given the written model before it gets its name; if it raises, nothing is left.

        Returns:
            The folder.
        """
        from keras_attn.export.saved_model import save

        return save(self, folder, check)


def _traced(function: Any) -> Callable[[Any], Any]:
    """Its graph, made in this thread: Keras keeps what it goes by, such as a scope's dtype, for each thread apart."""
    traced = function.get_concrete_function()

    def call(batch: Any) -> Any:
        with one_thread():
            return traced(batch)

    return call
