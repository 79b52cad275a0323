"""A corpus as ids: flat arrays with offsets, in memory or in files."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from keras_attn.errors import UserError
from keras_attn.text.tokenizer import Tokenizer
from keras_attn.text.vocabulary import PADDING

CHUNK = 10_000  # pairs encoded at once


class EncodedPairs:
    """The ids of all pairs, without start and end; made by `EncodedPairs.encode`.

    >>> text = Tokenizer.train([("a man", "ein Mann")], vocabulary_size=300, model="char")
    >>> encoded = EncodedPairs.encode([("a man", "ein Mann"), ("a", "ein")], text)
    >>> encoded.source_lengths.tolist(), encoded.target_lengths.tolist()
    ([6, 2], [9, 4])
    """

    def __init__(self, source: _Side, target: _Side, *, dropped: int = 0):
        self._source = source
        self._target = target
        self.dropped = dropped
        self.source_lengths = np.diff(source.offsets).astype(np.int32)
        self.target_lengths = np.diff(target.offsets).astype(np.int32)

    def __len__(self) -> int:
        return len(self.source_lengths)

    @classmethod
    def encode(
        cls,
        pairs: Iterable[tuple[str, str]],
        text: Tokenizer,
        *,
        max_source_length: int | None = None,
        max_target_length: int | None = None,
        cache: str | os.PathLike | None = None,
    ) -> EncodedPairs:
        """Encode pairs, read once and in chunks.

        Args:
            pairs: (source, target) strings.
            text: the tokenizer.
            max_source_length, max_target_length: in ids, without start and end; a pair with a longer
                side is left out and counted in `.dropped`.
            cache: a folder for corpora larger than memory: the ids live in nameless files there, which
                vanish with this object.
        """
        limits = [np.inf if limit is None else limit for limit in (max_source_length, max_target_length)]
        if cache is not None:
            Path(cache).mkdir(parents=True, exist_ok=True)
        with _Writer(cache) as source_writer, _Writer(cache) as target_writer:
            dropped = 0
            rest = iter(pairs)
            while chunk := list(itertools.islice(rest, CHUNK)):
                sources = text.source.encode([pair[0] for pair in chunk])
                targets = text.target.encode([pair[1] for pair in chunk])
                kept = [
                    (source, target)
                    for source, target in zip(sources, targets, strict=True)
                    if len(source) <= limits[0] and len(target) <= limits[1]
                ]
                dropped += len(chunk) - len(kept)
                source_writer.add([source for source, _ in kept])
                target_writer.add([target for _, target in kept])
            return cls(source_writer.side(), target_writer.side(), dropped=dropped)

    @classmethod
    def of_ids(cls, sources: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> EncodedPairs:
        """Make a corpus of ids, int32 (length,) each, without start and end."""
        with _Writer(None) as source_writer, _Writer(None) as target_writer:
            source_writer.add(sources)
            target_writer.add(targets)
            return cls(source_writer.side(), target_writer.side())

    def then(self, other: EncodedPairs) -> EncodedPairs:
        """Return the pairs of this corpus and, after them, those of the other one, in memory."""
        return EncodedPairs(self._source.then(other._source), self._target.then(other._target))

    def source(self, index: int) -> np.ndarray:
        """Return the source ids of one pair, int32 (length,)."""
        return self._source.row(index)

    def target(self, index: int) -> np.ndarray:
        """Return the target ids of one pair, int32 (length,)."""
        return self._target.row(index)

    def gather(self, indices: np.ndarray, source_length: int, target_length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (source, target) of some pairs, int32 (pairs, length) each, padded to the lengths.

        Raises:
            UserError: a pair is longer than that.
        """
        return (
            self._source.gather(indices, source_length, "source_length"),
            self._target.gather(indices, target_length, "target_length"),
        )


class _Side:
    """All ids of one language in a row, int32 (tokens,), and where each text begins, int64 (texts + 1,)."""

    def __init__(self, ids: np.ndarray, offsets: np.ndarray):
        self.ids = ids
        self.offsets = offsets

    def row(self, index: int) -> np.ndarray:
        """Return the ids of one text."""
        if not 0 <= index < len(self.offsets) - 1:
            raise IndexError(f"index: expected 0 to {len(self.offsets) - 2}, got {index}")
        return np.array(self.ids[self.offsets[index] : self.offsets[index + 1]])

    def then(self, other: _Side) -> _Side:
        """Return these texts and those of the other."""
        offsets = np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]])
        return _Side(np.concatenate([self.ids, other.ids]), offsets)

    def gather(self, indices: np.ndarray, length: int, name: str) -> np.ndarray:
        """Return the ids of some texts, int32 (texts, length), padded."""
        indices = np.asarray(indices, np.int64)
        starts, lengths = self.offsets[indices], self.offsets[indices + 1] - self.offsets[indices]
        if lengths.max(initial=0) > length:
            raise UserError(f"{name}: expected at least {lengths.max()} for these pairs, got {length}")
        columns = np.arange(length)
        inside = columns < lengths[:, None]
        padded = np.full((len(indices), length), PADDING, np.int32)
        padded[inside] = self.ids[(starts[:, None] + columns)[inside]]
        return padded


class _Writer:
    """Collects ids chunk by chunk, in memory or in a file without a name."""

    def __init__(self, folder: str | os.PathLike[str] | None):
        self._file = None if folder is None else tempfile.TemporaryFile(dir=os.fspath(folder))  # noqa: SIM115
        self._chunks: list[np.ndarray] = []
        self._lengths = [np.zeros(1, np.int64)]

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()  # a mapping that was made of it stays valid

    def add(self, rows: Sequence[np.ndarray]) -> None:
        chunk = np.concatenate([np.zeros(0, np.int32), *rows])
        self._lengths.append(np.array([len(row) for row in rows], np.int64))
        if self._file is None:
            self._chunks.append(chunk)
        else:
            self._file.write(chunk.data)  # tofile would not say that the disk is full

    def side(self) -> _Side:
        offsets = np.cumsum(np.concatenate(self._lengths))
        if self._file is None or offsets[-1] == 0:  # an empty file cannot be mapped
            return _Side(np.concatenate([np.zeros(0, np.int32), *self._chunks]), offsets)
        return _Side(np.memmap(self._file, np.int32, mode="r"), offsets)
