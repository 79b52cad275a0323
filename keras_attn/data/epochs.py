"""A corpus as epochs of batches, in NumPy."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from keras_attn.data.ahead import Ahead
from keras_attn.data.batch_plan import BatchPlan
from keras_attn.data.dealing import Dealt, Shape
from keras_attn.data.encoded import EncodedPairs
from keras_attn.data.sampled_pairs import SampledPairs
from keras_attn.data.sampled_plan import SampledPlan
from keras_attn.errors import UserError, expect
from keras_attn.text.tokenizer import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

logger = logging.getLogger("keras_attn")

Batch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]
Given = Iterable[tuple[str, str]] | EncodedPairs


class Epochs:
    """The batches of every epoch, each a pure function of (seed, epoch, step).

    With (b, s, t) the shape of a batch, see `BatchPlan`, a sentence x and its translation y are

        source   int32   (b, s)   x1 .. xn end
        target   int32   (b, t)   start y1 .. ym
        labels   int32   (b, t)   y1 .. ym end
        weights  float32 (b, t)   1 where labels are, else 0

    and the rest is padding, id 0. `as_dataset` makes a `tf.data.Dataset` of them.

    >>> text = Tokenizer.train([("a man", "ein Mann")], vocabulary_size=300, model="char")
    >>> epochs = Epochs([("a man", "ein Mann"), ("a", "ein")], text, tokens_per_batch=10, shuffle=False)
    >>> epochs.steps, epochs.target_tokens(epoch=3).tolist()
    (2, [10, 5])
    """

    def __init__(
        self,
        pairs_or_encoded: Given,
        text: Tokenizer | None = None,
        *,
        tokens_per_batch: int = 4096,
        shapes: int = 8,
        seed: int = 0,
        shuffle: bool = True,
        max_source_length: int | None = None,
        max_target_length: int | None = None,
        cache: str | os.PathLike | None = None,
        sampling: float = 0.0,
    ):
        """Encode the pairs and plan their batches.

        Args:
            pairs_or_encoded: what `read_pairs` gives, (source, target) strings, or `EncodedPairs`.
            text: the tokenizer of pairs of text.
            tokens_per_batch, shapes, seed, shuffle: see `BatchPlan`; lengths count the added start or end.
            max_source_length, max_target_length, cache: see `EncodedPairs.encode`.
            sampling: subword regularization, for training: each epoch segments both sides anew. The probability that a
                merge is left out (model `bpe`), or the exponent of a segmentation's probability (`unigram`), see
                `text.Sampler`; 0 for none. The pairs are held in memory then, and the next epoch is made ready
                in the background; for the plan see `SampledPlan`.

        Raises:
            UserError: no pairs, or no tokenizer for text; sampling from a cache, from pairs already encoded, or with
                a vocabulary that has but one segmentation.
        """
        plan: BatchPlan | SampledPlan
        limits = {"max_source_length": max_source_length, "max_target_length": max_target_length}
        options: dict[str, Any] = {
            "tokens_per_batch": tokens_per_batch,
            "shapes": shapes,
            "seed": seed,
            "shuffle": shuffle,
        }
        self._order: Callable[[int], tuple[EncodedPairs, list[Dealt]]]
        if sampling:
            sampled = _sampled(pairs_or_encoded, text, sampling, seed, cache, limits)
            plan = SampledPlan(_lengths(sampled.plain), _lengths(sampled.epoch(0)), **options)
            self._order = Ahead(functools.partial(_draw, sampled, plan))
        else:
            encoded = _encoded(pairs_or_encoded, text, cache, limits)
            plan = BatchPlan(*_lengths(encoded), **options)
            self._order = functools.lru_cache(maxsize=2)(lambda epoch: (encoded, list(plan.epoch(epoch))))
        self.plan = plan
        logger.info("batches:\n%s", plan)

    @property
    def steps(self) -> int:
        """How many batches an epoch has, the same in all."""
        return self.plan.steps

    def batch(self, epoch: int, step: int) -> Batch:
        """Return ({"source", "target"}, labels, weights) of one step; epochs and steps count from 0."""
        corpus, batches = self._order(epoch)
        return _assemble(corpus, *batches[step])

    def epoch(self, epoch: int, first_batch: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, from `first_batch` on."""
        self.check(epoch, first_batch)
        return (self.batch(epoch, step) for step in range(first_batch, self.steps))

    def target_tokens(self, epoch: int) -> np.ndarray:
        """Return how many labels each batch of an epoch has, ends included and padding not, int64 (steps,)."""
        corpus, batches = self._order(epoch)
        return np.array([len(indices) + corpus.target_lengths[indices].sum() for indices, _ in batches], np.int64)

    def check(self, first_epoch: int, first_batch: int) -> None:
        """Raise unless there is such a position.

        Raises:
            UserError: an epoch below 0, or no such batch in it.
        """
        expect(first_epoch >= 0, "first_epoch", "0 or more", first_epoch)
        expect(
            0 <= first_batch < self.steps,
            "first_batch",
            f"0 to {self.steps - 1}, as an epoch has {self.steps} batches (after the last one, batch 0 of the next)",
            first_batch,
        )


def _assemble(encoded: EncodedPairs, indices: np.ndarray, shape: Shape) -> Batch:
    """Return one batch; rows beyond the indices are all padding.

    Args:
        encoded: the corpus.
        indices: pairs, int (at most rows,).
        shape: (rows, source_length, target_length), lengths with start or end.
    """
    rows, source_length, target_length = shape
    used = np.arange(len(indices))
    source = np.full((rows, source_length), PADDING, np.int32)
    target = np.full((rows, target_length), PADDING, np.int32)
    labels = np.full((rows, target_length), PADDING, np.int32)
    weights = np.zeros((rows, target_length), np.float32)
    ids = encoded.gather(indices, source_length - 1, target_length - 1)
    source[used, :-1], labels[used, :-1], target[used, 1:] = ids[0], ids[1], ids[1]
    source[used, encoded.source_lengths[indices]] = END
    source[len(indices) :, 0] = END  # cuDNN refuses a row in which nothing may be seen
    labels[used, encoded.target_lengths[indices]] = END
    target[used, 0] = START
    weights[used] = np.arange(target_length) <= encoded.target_lengths[indices, None]
    return {"source": source, "target": target}, labels, weights


def _lengths(encoded: EncodedPairs) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths of the model's inputs, with start or end."""
    return encoded.source_lengths + 1, encoded.target_lengths + 1


def _draw(sampled: SampledPairs, plan: SampledPlan, epoch: int) -> tuple[EncodedPairs, list[Dealt]]:
    drawn = sampled.epoch(epoch)
    return drawn.then(sampled.plain), plan.epoch(epoch, *_lengths(drawn))


def _encoded(pairs: Given, text: Tokenizer | None, cache: str | os.PathLike | None, limits: dict) -> EncodedPairs:
    if isinstance(pairs, EncodedPairs):
        for name, value in {**limits, "cache": cache}.items():
            expect(value is None, name, "None for EncodedPairs; give it to EncodedPairs.encode", value)
        return _checked(pairs, pairs)
    return _checked(EncodedPairs.encode(pairs, _tokenizer(text), cache=cache, **limits), pairs)


def _sampled(
    pairs: Given, text: Tokenizer | None, alpha: float, seed: int, cache: str | os.PathLike | None, limits: dict
) -> SampledPairs:
    expect(0 < alpha <= 1, "sampling", "0 to 1", alpha)
    expect(cache is None, "cache", "None with sampling, as the pairs are held in memory", cache)
    if isinstance(pairs, EncodedPairs):
        raise UserError("pairs_or_encoded: expected pairs of text, to sample from, got EncodedPairs; try sampling=0")
    sampled = SampledPairs(pairs, _tokenizer(text), alpha, seed, **limits)
    _checked(sampled.plain, pairs)
    return sampled


def _tokenizer(text: Tokenizer | None) -> Tokenizer:
    if text is None:
        raise UserError("text: expected a Tokenizer for pairs of text, got None; try Tokenizer.train(pairs)")
    return text


def _checked(encoded: EncodedPairs, pairs: Given) -> EncodedPairs:
    """Return it, unless it is empty; say what was left out."""
    if len(encoded) == 0:
        name = getattr(pairs, "name", "pairs")
        why = f"all {encoded.dropped:,} have a side over the longest length" if encoded.dropped else "it is empty"
        raise UserError(f"pairs_or_encoded: expected at least one pair in {name}, got none; {why}")
    if encoded.dropped:
        total = len(encoded) + encoded.dropped
        logger.info("batches: %d of %d pairs have a side over the longest length, left out", encoded.dropped, total)
    return encoded
