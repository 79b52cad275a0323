"""Which examples go together when their lengths change with every epoch: plain NumPy."""

from __future__ import annotations

import numpy as np

from keras_attn.data.batch_plan import check_lengths, check_options
from keras_attn.data.dealing import Dealt, Shape, deal, first_that_holds, next_that_holds
from keras_attn.data.shapes_search import choose_shapes

Sides = tuple[np.ndarray, np.ndarray]

SPARE = 100  # one batch more for so many; on Multi30k epochs of 190 batches differ by one
TRIES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # shares of the pairs that stay as they are


class SampledPlan:
    """A few static shapes and a fixed number of batches for pairs that are segmented anew in each epoch.

    The shapes are those of a `BatchPlan` over the lengths of one drawn epoch, or the undrawn ones where these are
    longer, so that every pair has one. Each epoch deals its own lengths to them. A pair that was drawn too long for
    all shapes stays undrawn. The number of batches is that of the larger of the two, drawn or not, and one in
    a hundred more. An epoch that makes fewer has its fullest batches split in two; in one that makes more, so many
    pairs stay undrawn (a share of 1, 2, 5 ... %, by chance) that it doesn't.

    The order is a pure function of (seed, epoch, the epoch's lengths).
    """

    def __init__(
        self,
        plain: Sides,
        drawn: Sides,
        tokens_per_batch: int = 4096,
        shapes: int = 8,
        seed: int = 0,
        shuffle: bool = True,
    ):
        """Choose the shapes.

        Args:
            plain: source and target lengths of the model's inputs without sampling, int (pairs,) each.
            drawn: the same of one drawn epoch.
            tokens_per_batch, shapes, seed, shuffle: see `BatchPlan`.

        Raises:
            UserError: no pairs, unequal counts, a number out of range.
        """
        self._plain = check_lengths(*plain)
        drawn = check_lengths(*drawn)
        check_options(tokens_per_batch, shapes, seed)
        self.seed = seed
        self.shuffle = shuffle
        reference = [np.maximum(*sides) for sides in zip(self._plain, drawn, strict=True)]
        self._lengths, _ = choose_shapes(reference[0], reference[1], shapes)
        most = len(reference[0])
        self.shapes: list[Shape] = [(min(most, max(1, tokens_per_batch // max(s, t))), s, t) for s, t in self._lengths]
        self._next = [next_that_holds(self._lengths, number) for number in range(len(self._lengths))]
        everything = np.arange(most)
        steps = [len(self._deal(everything, *lengths)) for lengths in (reference, self._plain)]
        self.steps = min(most, max(steps) + -(-max(steps) // SPARE))
        cells = sum(rows * (s + t) for _, (rows, s, t) in self.epoch(0, *drawn))
        self._cells, self._padded_cells = int(drawn[0].sum() + drawn[1].sum()), cells

    @property
    def waste(self) -> float:
        """Share of all source and target cells that hold padding, in the epoch that the shapes were chosen for."""
        return 1.0 - self._cells / self._padded_cells

    def epoch(self, epoch: int, source: np.ndarray, target: np.ndarray) -> list[Dealt]:
        """Return (indices int64 (at most batch,), shape) for each batch of an epoch, counted from 0.

        Args:
            epoch: which.
            source, target: its drawn lengths, int (pairs,).

        Returns:
            `steps` batches. Index i is pair i as drawn, and index pairs + i is pair i undrawn.
        """
        generator = np.random.default_rng([self.seed, epoch])
        pairs = len(source)
        order = generator.permutation(pairs) if self.shuffle else np.arange(pairs)
        chance = generator.permutation(pairs)
        fits = first_that_holds(self._lengths, source, target) >= 0
        for share in TRIES:
            as_drawn = fits & (chance >= share * pairs)
            sides = [np.where(as_drawn, *both) for both in zip((source, target), self._plain, strict=True)]
            batches = self._deal(order, *sides)
            if len(batches) <= self.steps:
                break
        while len(batches) < self.steps:
            fullest = max(range(len(batches)), key=lambda place: len(batches[place][0]))
            indices, shape = batches[fullest]
            half = len(indices) // 2
            batches[fullest : fullest + 1] = [(indices[:half], shape), (indices[half:], shape)]
        places = generator.permutation(len(batches)) if self.shuffle else range(len(batches))
        return [(np.where(as_drawn[batches[p][0]], 0, pairs) + batches[p][0], batches[p][1]) for p in places]

    def _deal(self, order: np.ndarray, source: np.ndarray, target: np.ndarray) -> list[Dealt]:
        return deal(order, first_that_holds(self._lengths, source, target), self.shapes, self._next)

    def __str__(self) -> str:
        rows = [f"{'batch':>7} {'source':>7} {'target':>7}"]
        rows += [f"{batch:>7,} {source:>7,} {target:>7,}" for batch, source, target in self.shapes]
        total = f"{len(self._plain[0]):,} pairs, segmented anew each time, in {self.steps:,} batches an epoch"
        rows.append(f"{total}; about {self.waste:.1%} of source and target cells are padding")
        return "\n".join(rows)
