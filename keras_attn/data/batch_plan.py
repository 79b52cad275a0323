"""Which examples go together, in which order, in which shape: plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_attn.data.shapes_search import choose_shapes
from keras_attn.errors import UserError


class BatchPlan:
    """A few static shapes for pairs of all lengths, and an order of batches for every epoch.

    A shape is (batch, source_length, target_length) with
    `batch = max(1, tokens_per_batch // max(source_length, target_length))`, or less where an epoch has fewer
    pairs for it. Each pair goes into the cheapest shape that holds it; the pairs that do not fill a last
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
        source_lengths = np.asarray(source_lengths, np.int64).reshape(-1)
        target_lengths = np.asarray(target_lengths, np.int64).reshape(-1)
        if len(source_lengths) != len(target_lengths):
            raise UserError(
                "source_lengths, target_lengths: expected as many of each, "
                f"got {len(source_lengths)} and {len(target_lengths)}"
            )
        if len(source_lengths) == 0:
            raise UserError("source_lengths: expected at least one pair, got none; is the corpus empty?")
        if min(source_lengths.min(), target_lengths.min()) < 1:
            raise UserError("source_lengths, target_lengths: expected 1 or more, got a length below 1")
        for name, value, least in (
            ("tokens_per_batch", tokens_per_batch, 1),
            ("shapes", shapes, 1),
            ("seed", seed, 0),
        ):
            if value < least:
                raise UserError(f"{name}: expected {least} or more, got {value}")
        self.seed = seed
        self.shuffle = shuffle
        lengths, self._bucket = choose_shapes(source_lengths, target_lengths, shapes)
        self._counts = np.bincount(self._bucket)  # pairs dealt to each shape
        self._next = [_next_that_holds(lengths, number) for number in range(len(lengths))]
        self._rows, self._batches, self._pairs = self._deal(lengths, tokens_per_batch)
        self._all_shapes = [(rows, s, t) for rows, (s, t) in zip(self._rows, lengths, strict=True)]
        self.steps = sum(self._batches)
        table = zip(self._all_shapes, self._batches, strict=True)
        cells = sum(batches * rows * (s + t) for (rows, s, t), batches in table)
        self._cells = int(source_lengths.sum() + target_lengths.sum())
        self._padded_cells = cells

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """The (batch, source_length, target_length) that occur, small to large."""
        return [shape for shape, batches in zip(self._all_shapes, self._batches, strict=True) if batches]

    @property
    def waste(self) -> float:
        """Share of all source and target cells that hold padding, empty rows included."""
        return 1.0 - self._cells / self._padded_cells

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, tuple[int, int, int]]]:
        """Yield (indices int64 (at most batch,), shape) for each batch of an epoch, counted from 0."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self._bucket)) if self.shuffle else np.arange(len(self._bucket))
        order = order[np.argsort(self._bucket[order], kind="stable")]
        parts = [[part] for part in np.split(order, np.cumsum(self._counts)[:-1])]
        batches = []
        for number, shape in enumerate(self._all_shapes):
            indices, rows = np.concatenate(parts[number]), shape[0]
            full = self._batches[number] * rows
            batches += [(indices[begin : begin + rows], shape) for begin in range(0, full, rows)]
            following = self._next[number]
            if following is not None:
                parts[following].append(indices[full:])
        for place in generator.permutation(len(batches)) if self.shuffle else range(len(batches)):
            yield batches[place]

    def _deal(self, lengths: list[tuple[int, int]], tokens_per_batch: int) -> tuple[list[int], list[int], list[int]]:
        """Return each shape's rows, batches and pairs in an epoch, after leftovers went to a larger shape."""
        waiting = [int(count) for count in self._counts]
        all_rows, batches = [], []
        for number, (source, target) in enumerate(lengths):
            rows = max(1, tokens_per_batch // max(source, target))
            following = self._next[number]
            if following is None:
                rows = max(1, min(rows, waiting[number]))  # nothing else comes: no rows that are always empty
                batches.append(-(-waiting[number] // rows))
            else:
                batches.append(waiting[number] // rows)
                leftover = waiting[number] - batches[-1] * rows
                waiting[following] += leftover
                waiting[number] -= leftover
            all_rows.append(rows)
        return all_rows, batches, waiting

    def __str__(self) -> str:
        rows = [f"{'batch':>7} {'source':>7} {'target':>7} {'pairs':>11} {'batches':>9}"]
        for shape, count, batches in zip(self._all_shapes, self._pairs, self._batches, strict=True):
            if batches:
                batch, source, target = shape
                rows.append(f"{batch:>7,} {source:>7,} {target:>7,} {count:>11,} {batches:>9,}")
        total = f"{len(self._bucket):,} pairs in {self.steps:,} batches an epoch"
        rows.append(f"{total}; {self.waste:.1%} of source and target cells are padding")
        return "\n".join(rows)


def _next_that_holds(lengths: list[tuple[int, int]], number: int) -> int | None:
    source, target = lengths[number]
    for following in range(number + 1, len(lengths)):
        if lengths[following][0] >= source and lengths[following][1] >= target:
            return following
    return None
