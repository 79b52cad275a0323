"""One language's pieces: strings to ids and back."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sentencepiece

from keras_attn.errors import UserError
from keras_attn.text.cleaning import clean
from keras_attn.text.training import END, PADDING, START, UNKNOWN, train_model

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["END", "PADDING", "START", "UNKNOWN", "Vocabulary"]

SPACE = "\u2581"  # what SentencePiece writes for a space


class Vocabulary:
    """One SentencePiece model: the same ids in Python, in `tf.data` and inside a SavedModel.

    Ids 0 to 3 are padding, unknown, start and end, always. `encode`, `decode`, `pieces` and `normalize` need
    no TensorFlow. `tokenize`, `detokenize` and `lookup_pieces` are TensorFlow functions that carry the model
    with them, so a `tf.Module` that calls them saves it, and setting a seed does not break them.

    For every string `encode(s) == tokenize(s)`, and `decode(encode(s)) == normalize(s)` if the vocabulary was
    trained with byte fallback; without, only text of known pieces comes back. A U+2581, which SentencePiece
    writes for a space, is read as a space, and a lone surrogate as U+FFFD.

    >>> vocabulary = Vocabulary.train(["a man rides a horse", "a man eats"], size=300)
    >>> vocabulary.decode(vocabulary.encode(["a horse  eats ☕"]))
    ['a horse  eats ☕']

    Source: Kudo & Richardson 2018, SentencePiece (arXiv 1808.06226).
    """

    def __init__(self, model_bytes: bytes):
        """Args: model_bytes: a serialized SentencePiece model with the ids above.

        Raises:
            UserError: not such a model.
        """
        self._model_bytes = bytes(model_bytes)
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=self._model_bytes)
            ids = [getattr(self._processor, f"{name}_id")() for name in ("pad", "unk", "bos", "eos")]
        except Exception as error:
            raise UserError(
                f"model_bytes: expected a SentencePiece model, got {len(model_bytes)} other bytes"
            ) from error
        if ids != [PADDING, UNKNOWN, START, END]:
            raise UserError(
                "model_bytes: expected a model with pad, unk, bos, eos = 0, 1, 2, 3, "
                f"got {ids}; train it with Vocabulary.train"
            )
        if not self._processor.normalize("a").startswith(SPACE):
            raise UserError(
                "model_bytes: expected a model that puts a space in front (add_dummy_prefix), got one that "
                "does not; train it with Vocabulary.train"
            )

    @classmethod
    def train(
        cls,
        lines: Iterable[str],
        *,
        size: int = 8000,
        model: Literal["unigram", "bpe", "char", "word"] = "unigram",
        normalization: Literal["nfkc", "none"] = "nfkc",
        byte_fallback: bool = True,
        seed: int = 0,
        max_lines: int = 2_000_000,
    ) -> Vocabulary:
        """Learn a vocabulary; the same lines and arguments give the same bytes.

        Args:
            lines: text, one sentence each; read once.
            size: pieces wanted, the four special ones and the 256 bytes included. Text that does not allow
                that many gives fewer, and the log says so.
            model: how text is cut: `unigram` (Kudo 2018), `bpe` (Sennrich 2016), `char`, `word` (at spaces).
            normalization: `nfkc` (Unicode NFKC) or `none`.
            byte_fallback: spell characters without a piece in UTF-8 bytes instead of losing them.
            seed: which lines are drawn when there are more than `max_lines`.
            max_lines: lines kept in memory and learned from.

        Raises:
            UserError: no text, an unknown choice, or a size too small for the text's characters.
        """
        return cls(
            train_model(
                lines,
                size=size,
                model=model,
                normalization=normalization,
                byte_fallback=byte_fallback,
                seed=seed,
                max_lines=max_lines,
            )
        )

    @property
    def model_bytes(self) -> bytes:
        """The serialized SentencePiece model, all there is to a vocabulary."""
        return self._model_bytes

    @property
    def size(self) -> int:
        """Number of ids."""
        return self._processor.get_piece_size()

    @functools.cached_property
    def model(self) -> str:
        """How text is cut: `unigram`, `bpe`, `char` or `word`."""
        from sentencepiece import sentencepiece_model_pb2  # wants protobuf, which only this needs

        kinds: Any = sentencepiece_model_pb2  # it makes its classes when it is loaded
        proto = kinds.ModelProto.FromString(self._model_bytes)
        return proto.trainer_spec.ModelType.Name(proto.trainer_spec.model_type).lower()

    def __repr__(self) -> str:
        return f"Vocabulary(size={self.size})"

    def __reduce__(self) -> tuple:
        return Vocabulary, (self._model_bytes,)  # copies and pickles rebuild what C++ and TensorFlow hold

    # --- Python ---

    def normalize(self, text: str) -> str:
        """Return `text` as the model sees it, which is what decoding can give back."""
        return self._unprefix(self._processor.normalize(clean(text)))

    def encode(self, strings: Sequence[str]) -> list[np.ndarray]:
        """Return one int32 array of ids for each string, without start or end."""
        if isinstance(strings, str):
            raise UserError(f"strings: expected a list of strings, got the string {strings[:40]!r}; put it in a list")
        return [np.array(ids, np.int32) for ids in self._processor.encode([clean(s) for s in strings], out_type=int)]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """Return the text of each sequence of ids; padding, start and end are left out, wherever they are."""
        return [self._text(self._checked(row)) for row in ids]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return the readable piece of each id, with '▁' where a space was."""
        table = self._pieces
        return [table[i] for i in self._checked(ids)]

    # --- TensorFlow ---

    def tokenize(self, strings: Any) -> tf.RaggedTensor:
        """Return ids, ragged int32 (batch, None), of UTF-8 strings (batch,), without start or end."""
        return self._tokenize(strings)

    def detokenize(self, ids: Any) -> tf.Tensor:
        """Return the text, strings (batch,), of dense or ragged ids (batch, length), up to the first end.

        Padding and start are left out.
        """
        import tensorflow as tf

        if isinstance(ids, tf.RaggedTensor):
            ids = ids.to_tensor(PADDING)
        return self._detokenize(tf.cast(ids, tf.int32))

    def lookup_pieces(self, ids: Any) -> tf.Tensor:
        """Return the readable piece of each id: strings of the shape of `ids`."""
        import tensorflow as tf

        if isinstance(ids, tf.RaggedTensor):
            return ids.with_flat_values(self.lookup_pieces(ids.flat_values))
        ids = tf.convert_to_tensor(ids, tf.int32)
        return tf.ensure_shape(tf.reshape(self._lookup(tf.reshape(ids, [-1])), tf.shape(ids)), ids.shape)

    # --- Inside ---

    def _checked(self, ids: Sequence[int]) -> list[int]:
        row = np.asarray(ids, np.int64).reshape(-1)
        if row.size and (row.min() < 0 or row.max() >= self.size):
            raise UserError(
                f"ids: expected 0 to {self.size - 1}, got {row.min()} to {row.max()}; another vocabulary's?"
            )
        return row.tolist()

    def _text(self, ids: list[int]) -> str:
        surfaces = self._surfaces
        return self._unprefix(b"".join([surfaces[i] for i in ids]).decode("utf-8", "replace"))

    @staticmethod
    def _unprefix(text: str) -> str:
        return text.replace(SPACE, " ").removeprefix(" ")

    @functools.cached_property
    def _pieces(self) -> list[str]:
        return [self._processor.id_to_piece(i) for i in range(self.size)]

    @functools.cached_property
    def _surfaces(self) -> list[bytes]:
        """What each id adds to the text.

        SentencePiece's own decoder leaves '▁' standing where a whole word was spelled in bytes; joining the
        bytes from one table is right there too, and the same in Python and in the graph.
        """
        processor = self._processor
        table = []
        for i, piece in enumerate(self._pieces):
            if processor.is_control(i):
                table.append(b"")
            elif processor.is_unknown(i):
                table.append(" \u2047 ".encode())
            elif processor.is_byte(i):
                table.append(bytes([int(piece[3:5], 16)]))
            else:
                table.append(piece.replace(SPACE, " ").encode())
        return table

    @functools.cached_property
    def _tokenize(self) -> Any:
        from keras_attn.text.graph import tokenize_function

        return tokenize_function(self._model_bytes)

    @functools.cached_property
    def _detokenize(self) -> Any:
        from keras_attn.text.graph import detokenize_function

        return detokenize_function(self._surfaces)

    @functools.cached_property
    def _lookup(self) -> Any:
        from keras_attn.text.graph import lookup_function

        return lookup_function(self._pieces)
