"""How the segmentation of a word is drawn, a step at a time, for many words at once.

SentencePiece can draw, too, but not again: its generator holds something of the process (0.2.3), so that one seed
draws differently in another process, and no training could go on where it stopped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import sentencepiece

from keras_attn.text.training import UNKNOWN

MOST = 500_000  # splits remembered, some 200 bytes each; Multi30k sees about as many in ten epochs
UNKNOWN_PENALTY = 10.0  # SentencePiece's: an unknown character is so much less likely than the rarest piece


class Draw(Protocol):
    """Draws segmentations of words."""

    def __call__(
        self, words: Sequence[str], which: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of `words[i]` for each i of `which`, int32 (ids,) in a row, and how many, int64 (which,)."""


class Pieces:
    """The pieces of a SentencePiece model with their scores, and what to write for what is none."""

    def __init__(self, processor: sentencepiece.SentencePieceProcessor):
        table = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
        fixed = (processor.is_control, processor.is_unknown, processor.is_byte, processor.is_unused)
        self.ids = {piece: i for i, piece in enumerate(table) if not any(kind(i) for kind in fixed)}
        self.scores = {piece: processor.get_score(i) for piece, i in self.ids.items()}
        self.longest = max(map(len, self.ids))
        self._bytes = {int(piece[3:5], 16): i for i, piece in enumerate(table) if processor.is_byte(i)}
        self.apart = all("\u2581" not in piece[1:] for piece in self.ids)  # no piece goes over a space

    def spell(self, symbols: Sequence[str]) -> list[int]:
        """Return the ids of the symbols; what is no piece becomes bytes, or one unknown for each stretch."""
        ids: list[int] = []
        for symbol in symbols:
            known = self.ids.get(symbol)
            if known is not None:
                ids.append(known)
            elif self._bytes:
                ids += [self._bytes[byte] for byte in symbol.encode()]
            elif not ids or ids[-1] != UNKNOWN:
                ids.append(UNKNOWN)
        return ids


class Merging:
    """BPE-dropout: before each merge, every merge that is possible is left out with probability p.

    What is applied is the best of the others; where none is left, the word stays as it is (Provilkov et al. 2020,
    algorithm 1). So the j-th best merge is applied with probability p^j (1 - p), counted from 0.
    """

    def __init__(self, pieces: Pieces, p: float):
        self._pieces, self._p = pieces, p
        self._clear()

    def __call__(
        self, words: Sequence[str], which: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        if len(self._splits) > MOST:
            self._clear()
        at = np.array([self._place(tuple(word)) for word in words], np.int64)[which]
        active = np.arange(len(which))
        while len(active):
            with np.errstate(divide="ignore"):
                rank = np.log(1.0 - generator.random(len(active))) / min(math.log(self._p), -1e-300)
            rank = np.minimum(rank, 1 << 20).astype(np.int64)
            moves, inverse = np.unique((at[active] << 21) + rank, return_inverse=True)
            following = np.array([self._follow(move >> 21, move & 0x1FFFFF) for move in moves.tolist()], np.int64)
            following = following[inverse]
            active = active[following >= 0]
            at[active] = following[following >= 0]
        ends, inverse = np.unique(at, return_inverse=True)
        spelled = [np.array(self._pieces.spell(self._splits[end]), np.int32) for end in ends.tolist()]
        return _in_a_row(spelled, inverse)

    def _clear(self) -> None:
        self._splits: list[tuple[str, ...]] = []
        self._places: dict[tuple[str, ...], int] = {}
        self._merges: dict[int, list[int]] = {}  # the places after which symbols can merge, best first
        self._followed: dict[tuple[int, int], int] = {}

    def _place(self, split: tuple[str, ...]) -> int:
        place = self._places.setdefault(split, len(self._splits))
        if place == len(self._splits):
            self._splits.append(split)
        return place

    def _follow(self, place: int, rank: int) -> int:
        """Return the place of the split after its merge of that rank, -1 if it has none."""
        known = self._followed.get((place, rank))
        if known is not None:
            return known
        split = self._splits[place]
        merges = self._merges.get(place)
        if merges is None:
            scores = self._pieces.scores
            found = [(-scores[a + b], i) for i, (a, b) in enumerate(itertools.pairwise(split)) if a + b in scores]
            merges = self._merges[place] = [i for _, i in sorted(found)]
        if rank >= len(merges):
            return -1
        i = merges[rank]
        following = self._place((*split[:i], split[i] + split[i + 1], *split[i + 2 :]))
        self._followed[place, rank] = following
        return following


class Lattice:
    """Unigram sampling: a segmentation x is drawn with a probability in proportion to p(x)^alpha.

    From left to right, with B the sum over the segmentations of what is left: the next piece is x of probability
    p(x)^alpha B(rest) / B(x rest), which is Kudo 2018 with all segmentations as candidates.
    """

    def __init__(self, pieces: Pieces, alpha: float):
        self._pieces, self._alpha = pieces, alpha
        self._unknown = min(pieces.scores.values()) - UNKNOWN_PENALTY
        self._places: dict[str, int] = {"": 0}
        self._sums = [0.0]  # log B
        self._choices: list[list[tuple[float, str, int]]] = [[]]  # (up to which number, piece, what is left)

    def __call__(
        self, words: Sequence[str], which: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        starts = np.array([self._place(word) for word in words], np.int64)
        first = np.cumsum([0, *map(len, self._choices)])
        flat = [choice for choices in self._choices for choice in choices]
        upto = np.array([place + up for place, choices in enumerate(self._choices) for up, _, _ in choices])
        following = np.array([left for _, _, left in flat], np.int64)
        kinds = {piece: i for i, piece in enumerate(dict.fromkeys(piece for _, piece, _ in flat))}
        kind = np.array([kinds[piece] for _, piece, _ in flat], np.int64)
        at, active = starts[which], np.arange(len(which))
        drawn, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        active = active[at > 0]
        while len(active):
            place = at[active]
            choice = np.searchsorted(upto, place + generator.random(len(active)), side="right")
            choice = np.clip(choice, first[place], first[place + 1] - 1)  # what rounding may do
            drawn.append(kind[choice])
            owners.append(active)
            at[active] = following[choice]
            active = active[at[active] > 0]
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        spelled = [np.array(self._pieces.spell([piece]), np.int32) for piece in kinds]
        ids, counts = _in_a_row(spelled, np.concatenate(drawn)[order])
        return _one_unknown(ids, np.repeat(owner[order], counts), len(which))

    def _place(self, word: str) -> int:
        """Return the place of a word among the nodes; what can be left of it comes before it."""
        known = self._places.get(word)
        if known is not None:
            return known
        for begin in range(len(word) - 1, -1, -1):
            rest = word[begin:]
            if rest in self._places:
                continue
            edges = []
            for end in range(1, min(len(rest), self._pieces.longest) + 1):
                piece = rest[:end]
                score = self._pieces.scores.get(piece, self._unknown if end == 1 else None)
                if score is not None:
                    left = self._places[rest[end:]]
                    edges.append((self._alpha * score + self._sums[left], piece, left))
            highest = max(log for log, _, _ in edges)
            total = sum(math.exp(log - highest) for log, _, _ in edges)
            upto, choices = 0.0, []
            for log, piece, left in edges:
                upto += math.exp(log - highest) / total
                choices.append((upto, piece, left))
            self._places[rest] = len(self._sums)
            self._sums.append(highest + math.log(total))
            self._choices.append(choices)
        return self._places[word]


def _in_a_row(kinds: list[np.ndarray], which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `kinds[i]` for each i of `which`, one after the other, and the length of each."""
    lengths = np.array([len(kind) for kind in kinds], np.int64)
    flat = np.concatenate([np.zeros(0, np.int32), *kinds])
    starts, counts = (np.cumsum(lengths) - lengths)[which], lengths[which]
    ends = np.cumsum(counts)
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)
    return flat[places], counts


def _one_unknown(ids: np.ndarray, owner: np.ndarray, owners: int) -> tuple[np.ndarray, np.ndarray]:
    """Leave one unknown of each stretch in a word; return the ids and how many each owner has."""
    again = (ids[1:] == UNKNOWN) & (ids[:-1] == UNKNOWN) & (owner[1:] == owner[:-1])
    kept = np.concatenate([np.ones(min(1, len(ids)), bool), ~again])
    return ids[kept], np.bincount(owner[kept], minlength=owners)
