"""Which examples go together, in which order, in which shape: plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.data.shapes_search import choose_shapes
from keras_attn.errors import UserError


class BatchPlan:
    """A few static shapes for pairs of all lengths, and an order of batches for every epoch.

    A shape is (batch, source_length, target_length) with
    `batch = max(1, tokens_per_batch // max(source_length, target_length))`. Every pair goes into
    the smallest shape that holds it. The order is a pure function of (seed, epoch).

    >>> plan = BatchPlan([3, 5, 9], [4, 4, 8], tokens_per_batch=20, shapes=2)
    >>> plan.shapes
    [(4, 5, 4), (2, 9, 8)]
    >>> plan.steps
    2
    """

    def __init__(
        self,
        source_lengths: np.ndarray,
        target_lengths: np.ndarray,
        tokens_per_batch: int = 4096,
        shapes: int = 8,
        seed: int = 0,
        shuffle: bool = True,
    ):
        """Choose the shapes.

        Args:
            source_lengths, target_lengths: lengths of the model's inputs, int (pairs,).
            tokens_per_batch: cells of the longer side of a batch.
            shapes: how many shapes at most.
            seed: of the order.
            shuffle: False keeps the corpus' order inside each shape, and the shapes in order.

        Raises:
            UserError: no pairs, unequal counts, a number below 1.
        """
        source_lengths = np.asarray(source_lengths, np.int64).reshape(-1)
        target_lengths = np.asarray(target_lengths, np.int64).reshape(-1)
        if len(source_lengths) != len(target_lengths):
            raise UserError(
                "source_lengths, target_lengths: expected as many of each, "
                f"got {len(source_lengths)} and {len(target_lengths)}"
            )
        if len(source_lengths) == 0:
            raise UserError("source_lengths: expected at least one pair, got none; is the corpus empty?")
        for name, value in {"tokens_per_batch": tokens_per_batch, "shapes": shapes}.items():
            if value < 1:
                raise UserError(f"{name}: expected 1 or more, got {value}")
        self.seed = seed
        self.shuffle = shuffle
        self.tokens_per_batch = tokens_per_batch
        lengths, self._bucket = choose_shapes(source_lengths, target_lengths, shapes)
        self.shapes = [(max(1, tokens_per_batch // max(s, t)), s, t) for s, t in lengths]
        self.counts = np.bincount(self._bucket, minlength=len(self.shapes))
        self._batches = [-(-count // shape[0]) for count, shape in zip(self.counts, self.shapes, strict=True)]
        self.steps = int(sum(self._batches))
        self._used = int(source_lengths.sum() + target_lengths.sum())
        self._cells = int(sum(n * (s + t) for n, (_, s, t) in zip(self.counts, self.shapes, strict=True)))
        self.waste = 1.0 - self._used / self._cells

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, tuple[int, int, int]]]:
        """Yield (indices int64 (at most batch,), shape) for each batch of an epoch."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self._bucket)) if self.shuffle else np.arange(len(self._bucket))
        buckets = self._bucket[order]
        order = order[np.argsort(buckets, kind="stable")]
        ends = np.cumsum(self.counts)
        batches = [
            (begin, min(begin + shape[0], end), shape)
            for end, count, shape in zip(ends, self.counts, self.shapes, strict=True)
            for begin in range(end - count, end, shape[0])
        ]
        for place in generator.permutation(len(batches)) if self.shuffle else range(len(batches)):
            begin, end, shape = batches[place]
            yield order[begin:end], shape

    def __str__(self) -> str:
        rows = [f"{'batch':>7} {'source':>7} {'target':>7} {'pairs':>11} {'batches':>9}"]
        for (batch, source, target), count, batches in zip(
            self.shapes, self.counts, self._batches, strict=True
        ):
            rows.append(f"{batch:>7,} {source:>7,} {target:>7,} {count:>11,} {batches:>9,}")
        rows.append(
            f"{len(self._bucket):,} pairs in {self.steps:,} batches an epoch; {self.waste:.1%} of cells wasted"
        )
        return "\n".join(rows)
