"""Scores for few words in the place of the whole vocabulary."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from keras import ops

from keras_attn.decoding.hypotheses import Hypotheses
from keras_attn.decoding.likeliest import BLOCK, LARGE, NEVER
from keras_attn.decoding.ready_step import ready_softmax
from keras_attn.decoding.request import NOTHING, Request
from keras_attn.errors import UserError, expect
from keras_attn.whole_file import whole_file


class Shortlist:
    """Which target words a source calls for.

        V(x) = always | candidates(x_1) | ... | candidates(x_n)

    A search then finds what it would find if the model gave all other words a probability of 0; the softmax is over
    V(x) alone. Only the rows of the softmax's matrix are multiplied that some sentence of the batch needs, and each
    sentence has its own words, whatever the batch.

    Args:
        candidates: (source_vocabulary, count) ids that each source word calls for, padded with 0; padding calls for
            none.
        always: ids that any sentence may use, the special ones 0 to 3 among them.
        most: words of every batch, for a search that is compiled for fixed shapes, as on JAX; those with the highest
            ids are left out where a batch needs more. None for as many as each batch needs.

    Raises:
        UserError: `always` lacks a special id, or `most` does not hold it.

    >>> shortlist = Shortlist([[0, 0], [0, 0], [0, 0], [0, 0], [7, 9]], always=[0, 1, 2, 3])
    >>> words, may = shortlist.words([[4]], vocabulary=12)
    >>> [int(word) for word in words[may[0]]]
    [0, 1, 2, 3, 7, 9]

    Source: Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation", section 3.2; Mi et
    al. 2016, "Vocabulary Manipulation for Neural Machine Translation".
    """

    def __init__(self, candidates: Any, always: Sequence[int], most: int | None = None):
        self.candidates = np.array(candidates, "int32")
        self.candidates[0] = 0  # or a sentence would have more words where it is padded
        self.always = np.unique(np.asarray(always, "int32"))
        expect(list(self.always[:4]) == [0, 1, 2, 3], "always", "the special ids 0 to 3 among others", list(always)[:8])
        expect(most is None or most >= len(self.always), "most", f"at least the {len(self.always)} of `always`", most)
        self.most = most

    @classmethod
    def of(
        cls,
        lexicon: Any,
        frequent: Sequence[int],
        source_vocabulary: int,
        *,
        each: int = 50,
        most: int | None = None,
    ) -> Self:
        """Of each source word the likeliest target words that do not come always.

        Args:
            lexicon: an `alignment.Lexicon`, or anything with its three arrays.
            frequent: ids that any sentence may use, beside the special ones.
            source_vocabulary: number of source ids.
            each: how many words a source word calls for.
            most: see the class.
        """
        always = [0, 1, 2, 3, *frequent]
        rare = ~np.isin(lexicon.target, always)
        source, target, probability = (array[rare] for array in (lexicon.source, lexicon.target, lexicon.probability))
        order = np.lexsort((target, -probability, source))  # by source word, then the likeliest first
        source, target = source[order], target[order]
        place = np.arange(len(source)) - np.searchsorted(source, source)  # among those of its source word
        candidates = np.zeros((source_vocabulary, each), "int32")
        candidates[source[place < each], place[place < each]] = target[place < each]
        return cls(candidates, always, most)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that `load` reads, whole or not at all."""
        with whole_file(Path(path)) as new, new.open("wb") as file:
            np.savez_compressed(file, candidates=self.candidates, always=self.always, most=self.most or 0)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises:
            UserError: there is none, or it is not one.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                return cls(found["candidates"], found["always"].tolist(), int(found["most"]) or None)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path}: cannot be read as a shortlist ({error}); keras-attn shortlist makes one"
            ) from error

    def words(self, source: Any, vocabulary: int) -> tuple[Any, Any]:
        """Those of a batch.

        Args:
            source: (batch, source_length) ids.
            vocabulary: number of target ids.

        Returns:
            words (few,) int32: ids, 0 to 3 first; may (batch, few) booleans, which of them each sentence may use. Of a
            large vocabulary there are whole blocks of words, as `likeliest` wants them.
        """
        batch = ops.shape(source)[0]
        called = ops.reshape(ops.take(self.candidates, source, axis=0), (-1,))  # (batch * source_length * count,)
        each = ops.shape(source)[1] * self.candidates.shape[1]
        row = ops.repeat(ops.arange(batch, dtype="int32"), each)
        ever = np.zeros(vocabulary, "float32")
        ever[self.always] = 1
        flat = ops.zeros((batch * vocabulary,), "float32")
        place = ops.expand_dims(row * vocabulary + called, 1)
        asked = ops.scatter_update(flat, place, ops.ones_like(called, dtype="float32"))
        asked = ops.maximum(ops.reshape(asked, (batch, vocabulary)), ever)
        # Those of `always`, then those that are asked for, in the order of ids: of equals `top_k` takes the first.
        wanted = ops.max(asked, axis=0, initial=0) + ever
        few = vocabulary if self.most is None else min(self.most, vocabulary)
        if self.most is None and vocabulary > LARGE:
            needed = ops.maximum(ops.sum(ops.cast(wanted > 0, "int32")), LARGE)
            few = (needed + BLOCK - 1) // BLOCK * BLOCK  # and so maybe more than there are
            wanted = ops.pad(wanted, [[0, BLOCK]])
        words = ops.cast(ops.top_k(wanted, few)[1], "int32")
        may = ops.take(asked, ops.minimum(words, vocabulary - 1), axis=1) > 0
        return ops.minimum(words, vocabulary - 1), ops.logical_and(may, words < vocabulary)


class ShortStep:
    """A step whose words are numbered by their places in a shortlist.

    Args:
        views: `models.Views`.
        words: (few,) ids.
    """

    def __init__(self, views: Any, words: Any):
        self._step, self._words = views.before_softmax, words
        self.shares_memory = self._step.shares_memory
        self._softmax = ready_softmax(views.softmax, words)

    def __call__(self, told: dict[str, Any], **more: Any) -> dict[str, Any]:
        memory, bar = told["memory"]["memory"], told["memory"]["bar"]  # (sentences, few)
        tokens = ops.take(self._words, told["tokens"], axis=0)
        out = self._step({**told, "tokens": tokens, "memory": memory}, **more)
        sentences, few = ops.shape(bar)
        logits = ops.cast(self._softmax(out["hidden"][:, 0]), "float32")
        logits = ops.reshape(logits, (sentences, -1, few)) + ops.expand_dims(bar, 1)
        logits = ops.reshape(logits, (-1, 1, few))
        return {"logits": logits, "state": out["state"], "weights": out["weights"]}


def search_short(
    search: Any,
    views: Any,
    shortlist: Shortlist,
    source: Any,
    memory: Any,
    state: Any,
    max_length: Any,
    request: Request = NOTHING,
) -> Hypotheses:
    """Search among the words that the sources call for.

    Args:
        search: such as `Greedy()`, without rules, which know words by their ids.
        views: `models.Views`.
        shortlist: the words.
        source: (batch, source_length) ids.
        memory, state, max_length, request: see `Greedy`; a request without ids.

    Returns:
        What `search` gives; scores are log p among those words.

    Raises:
        UserError: there are rules, a prefix or phrases, other special ids, or the views are an ensemble's.
    """
    if not hasattr(views, "before_softmax"):
        raise UserError("views: expected those of one model for a shortlist, not an ensemble")
    for name, given in (("rules", search.rules or None), ("prefix", request.prefix), ("phrases", request.phrases)):
        if given is not None:
            raise UserError(f"{name}: expected none with a shortlist, which gives words other ids")
    for name, id in {"padding": 0, "start": 2, "end": 3}.items():
        expect(getattr(search, name) == id, name, f"{id} with a shortlist", getattr(search, name))
    words, may = shortlist.words(source, views.step.output["logits"].shape[-1])
    read = {"memory": memory, "bar": ops.where(may, 0.0, NEVER)}
    found = search(ShortStep(views, words), read, state, max_length, request)
    return found._replace(ids=ops.take(words, found.ids, axis=0))
