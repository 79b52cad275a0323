"""A corpus as ids: two flat arrays with offsets, in memory or in files."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_attn.errors import UserError
from keras_attn.text.tokenizer import Tokenizer
from keras_attn.text.vocabulary import PADDING

CHUNK = 10_000  # pairs encoded at once


class EncodedPairs:
    """Ids of all pairs, without start and end; made by `EncodedPairs.encode`."""

    def __init__(self, source: tuple, target: tuple, *, dropped: int = 0):
        self._source = source  # (ids int32 (tokens,), offsets int64 (pairs + 1,))
        self._target = target
        self.dropped = dropped
        self.source_lengths = np.diff(source[1]).astype(np.int32)
        self.target_lengths = np.diff(target[1]).astype(np.int32)

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
        """Encode pairs once, in chunks.

        Args:
            pairs: (source, target) strings.
            text: the tokenizer.
            max_source_length, max_target_length: tokens; a pair with a longer side is dropped and counted.
            cache: a folder; the ids live in files there instead of memory.
        """
        writers = [_Flat(cache, "source"), _Flat(cache, "target")]
        dropped = 0
        iterator = iter(pairs)
        while chunk := list(itertools.islice(iterator, CHUNK)):
            sources = text.source.encode([pair[0] for pair in chunk])
            targets = text.target.encode([pair[1] for pair in chunk])
            for source, target in zip(sources, targets, strict=True):
                if (max_source_length is not None and len(source) > max_source_length) or (
                    max_target_length is not None and len(target) > max_target_length
                ):
                    dropped += 1
                    continue
                writers[0].add(source)
                writers[1].add(target)
            for writer in writers:
                writer.flush()
        return cls(writers[0].finish(), writers[1].finish(), dropped=dropped)

    def source(self, index: int) -> np.ndarray:
        """Return the source ids of one pair, int32 (length,)."""
        return _row(self._source, index)

    def target(self, index: int) -> np.ndarray:
        """Return the target ids of one pair, int32 (length,)."""
        return _row(self._target, index)

    def gather(
        self, indices: np.ndarray, source_length: int, target_length: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (source, target) of some pairs, int32 (pairs, length) each, padded to the lengths.

        Raises:
            UserError: a pair is longer than that.
        """
        return _padded(self._source, indices, source_length), _padded(self._target, indices, target_length)


class _Flat:
    def __init__(self, folder: str | os.PathLike | None, name: str):
        self._parts: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []
        self._pending: list[np.ndarray] = []
        self._file = None
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._file = tempfile.NamedTemporaryFile(dir=folder, prefix=f"{name}-", suffix=".ids")  # noqa: SIM115

    def add(self, ids: np.ndarray) -> None:
        self._pending.append(ids)

    def flush(self) -> None:
        self._lengths.append(np.array([len(ids) for ids in self._pending], np.int64))
        part = np.concatenate([np.zeros(0, np.int32), *self._pending])
        self._pending = []
        if self._file is None:
            self._parts.append(part)
        else:
            part.tofile(self._file)

    def finish(self) -> tuple:
        lengths = np.concatenate([np.zeros(1, np.int64), *self._lengths])
        offsets = np.cumsum(lengths)
        if self._file is None:
            return np.concatenate([np.zeros(0, np.int32), *self._parts]), offsets
        self._file.flush()
        if offsets[-1] == 0:
            return np.zeros(0, np.int32), offsets
        ids = np.memmap(self._file.name, np.int32, mode="r")
        self._file.close()  # the mapping keeps the data; the name is gone, so nothing is left behind
        return ids, offsets


def _row(side: tuple, index: int) -> np.ndarray:
    ids, offsets = side
    return np.asarray(ids[offsets[index] : offsets[index + 1]])


def _padded(side: tuple, indices: np.ndarray, length: int) -> np.ndarray:
    ids, offsets = side
    indices = np.asarray(indices, np.int64)
    starts, lengths = offsets[indices], offsets[indices + 1] - offsets[indices]
    if lengths.size and lengths.max() > length:
        raise UserError(f"length: expected at least {lengths.max()} for these pairs, got {length}")
    columns = np.arange(length)
    inside = columns < lengths[:, None]
    out = np.full((len(indices), length), PADDING, np.int32)
    out[inside] = ids[(starts[:, None] + columns)[inside]]
    return out
