"""Which examples go together, in which order, in which shape: plain NumPy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from keras_attn.data.dealing import Dealt, Shape, deal, next_that_holds
from keras_attn.data.shapes_search import choose_shapes
from keras_attn.errors import UserError, expect

GIVE = 0.03  # share of the rows given up for fewer leftovers; on Multi30k 12.8 % of padding instead of 13.2 %


class BatchPlan:
    """A few static shapes for pairs of all lengths, and an order of batches for every epoch.

    A shape is (batch, source_length, target_length) with
    `batch = max(1, tokens_per_batch // max(source_length, target_length))`, or less where that makes as many batches
    with fewer empty rows. Each pair goes into the cheapest shape that holds it; the pairs that do not fill a last
    batch go on to the next shape that holds them, so only shapes that no other can hold have a short batch.

    The order is a pure function of (seed, epoch): all pairs are shuffled, then dealt to the shapes, then the
    batches are shuffled.

    >>> plan = BatchPlan([3, 5, 5, 9], [4, 4, 3, 8], tokens_per_batch=15, shapes=2)
    >>> plan.shapes
    [(3, 5, 4), (1, 9, 8)]
    >>> [(len(indices), shape) for indices, shape in plan.epoch(0)]
    [(1, (1, 9, 8)), (3, (3, 5, 4))]
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
            tokens_per_batch: cells of the longer side of a batch; a longer pair is a batch of its own.
            shapes: how many shapes at most.
            seed: of the order, 0 or more.
            shuffle: False keeps the order of the corpus inside each shape, and goes from short to long.

        Raises:
            UserError: no pairs, unequal counts, a number out of range.
        """
        source, target = check_lengths(source_lengths, target_lengths)
        check_options(tokens_per_batch, shapes, seed)
        self.seed = seed
        self.shuffle = shuffle
        lengths, self._bucket = choose_shapes(source, target, shapes)
        self._next = [next_that_holds(lengths, number) for number in range(len(lengths))]
        rows = self._rows(lengths, tokens_per_batch)
        self._all_shapes = [(batch, s, t) for batch, (s, t) in zip(rows, lengths, strict=True)]
        everything = deal(np.arange(len(source)), self._bucket, self._all_shapes, self._next)
        self._batches = Counter(shape for _, shape in everything)
        self._pairs: Counter[Shape] = Counter()
        for indices, shape in everything:
            self._pairs[shape] += len(indices)
        self.steps = len(everything)
        self._cells = int(source.sum() + target.sum())
        self._padded_cells = sum(batch * (s + t) for _, (batch, s, t) in everything)

    @property
    def shapes(self) -> list[Shape]:
        """The (batch, source_length, target_length) that occur, small to large."""
        return [shape for shape in self._all_shapes if self._batches[shape]]

    @property
    def waste(self) -> float:
        """Share of all source and target cells that hold padding, empty rows included."""
        return 1.0 - self._cells / self._padded_cells

    def epoch(self, epoch: int) -> Iterator[Dealt]:
        """Yield (indices int64 (at most batch,), shape) for each batch of an epoch, counted from 0."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self._bucket)) if self.shuffle else np.arange(len(self._bucket))
        batches = deal(order, self._bucket, self._all_shapes, self._next)
        for place in generator.permutation(len(batches)) if self.shuffle else range(len(batches)):
            yield batches[place]

    def _rows(self, lengths: list[tuple[int, int]], tokens_per_batch: int) -> list[int]:
        """Return each shape's rows, counting what goes on from the shapes before it."""
        waiting = [int(count) for count in np.bincount(self._bucket)]
        all_rows = []
        for number, (source, target) in enumerate(lengths):
            rows, following = max(1, tokens_per_batch // max(source, target)), self._next[number]
            if following is None:  # nothing else comes: all batches alike, with next to no empty rows
                rows = max(1, -(-waiting[number] // max(1, -(-waiting[number] // rows))))
            else:
                fewer = range(rows, math.ceil((1 - GIVE) * rows) - 1, -1)
                rows = min(fewer, key=lambda rows: waiting[number] % rows)  # the first, and most, of those
                waiting[following] += waiting[number] % rows
            all_rows.append(rows)
        return all_rows

    def __str__(self) -> str:
        rows = [f"{'batch':>7} {'source':>7} {'target':>7} {'pairs':>11} {'batches':>9}"]
        for shape in self.shapes:
            batch, source, target = shape
            rows.append(f"{batch:>7,} {source:>7,} {target:>7,} {self._pairs[shape]:>11,} {self._batches[shape]:>9,}")
        total = f"{len(self._bucket):,} pairs in {self.steps:,} batches an epoch"
        rows.append(f"{total}; {self.waste:.1%} of source and target cells are padding")
        return "\n".join(rows)


def check_lengths(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as int64 (pairs,).

    Raises:
        UserError: none, unequal counts, or a length below 1.
    """
    source, target = (np.asarray(side, np.int64).reshape(-1) for side in (source, target))
    if len(source) != len(target):
        raise UserError(
            f"source_lengths, target_lengths: expected as many of each, got {len(source)} and {len(target)}"
        )
    if len(source) == 0:
        raise UserError("source_lengths: expected at least one pair, got none; is the corpus empty?")
    if min(source.min(), target.min()) < 1:
        raise UserError("source_lengths, target_lengths: expected 1 or more, got a length below 1")
    return source, target


def check_options(tokens_per_batch: int, shapes: int, seed: int) -> None:
    """Raise unless these make sense.

    Raises:
        UserError: a number out of range.
    """
    expect(tokens_per_batch >= 1, "tokens_per_batch", "1 or more", tokens_per_batch)
    expect(shapes >= 1, "shapes", "1 or more", shapes)
    expect(seed >= 0, "seed", "0 or more", seed)
