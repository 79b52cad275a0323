"""A model with its tokenizer and its search as TensorFlow functions, which a SavedModel keeps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf

from keras_attn.decoding import Greedy, Request
from keras_attn.decoding.beginning import roomy
from keras_attn.errors import expect, one_of
from keras_attn.export.outputs import LOWEST
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

STRINGS = tf.TensorSpec([None], tf.string, name="text")
IDS = tf.TensorSpec([None, None], tf.int32, name="ids")
SOURCES, TARGETS = (tf.TensorSpec([None], tf.string, name=name) for name in ("source", "target"))


class TextGraph(tf.Module):
    """Tokenize, encode, search, detokenize, all inside one graph; see `TextToText` for the arguments.

    What several functions need is a function of its own that they call: once on disk, once to load.
    """

    def __init__(
        self,
        views: Any,
        text: Tokenizer,
        search: Any = None,
        *,
        several: Any = None,
        look: Any = None,
        max_source_length: int = 256,
        length_factor: float = 2.0,
        length_extra: int = 10,
    ):
        super().__init__(name="text_to_text")
        # Kept apart from what TensorFlow tracks: Keras' models would save copies of their weights in the place of those
        # that the signatures read, and a C++ session, such as TF Serving's, would not find these.
        self._models = SimpleNamespace(encoder=views.encoder, step=views.step)
        self._values = [weight.value for weight in _distinct([*views.encoder.weights, *views.step.weights])]
        self.text = text
        self.search = search or Greedy()
        self.several = several or self.search
        self.look = look
        self.max_source_length = max_source_length
        self.length_factor, self.length_extra = length_factor, length_extra

    @property
    def encoder(self) -> Any:
        """Source to memory and state, see `models.Views`."""
        return self._models.encoder

    @property
    def step(self) -> Any:
        """One step of the decoder, see `models.Views`."""
        return self._models.step

    @property
    def max_target_length(self) -> int:
        """The most tokens that a search may write; of a given target as many are read."""
        return int(self.length_factor * self.max_source_length) + self.length_extra

    @tf.function(input_signature=[STRINGS], autograph=False)
    def serve(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) -> text (batch,), score (batch,) float32, truncated (batch,) bool."""
        return self._best(self._decode(text))

    @tf.function(input_signature=[STRINGS], autograph=False)
    def serve_hypotheses(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) -> text, score, value (batch, n), see `decoding.Hypotheses`; truncated (batch,).

        Where there are fewer than n, the rest is "" and the lowest float32, as JSON has no infinity.
        """
        decoded = self._decode(text) if self.several is self.search else self._decode_several(text)
        found = decoded["found"]
        batch, n, longest = tf.unstack(tf.shape(found.ids))
        lines = self.text.target.detokenize(tf.reshape(found.ids, [batch * n, longest]))
        return {
            "text": tf.reshape(lines, [batch, found.ids.shape[1] or n]),
            "score": tf.maximum(found.score, LOWEST),
            "value": tf.maximum(found.value, LOWEST),
            "truncated": decoded["read"]["truncated"],
        }

    @tf.function(input_signature=[STRINGS], autograph=False)
    def serve_alignment(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `serve`, and alignment (batch, target_length, source_length), source_tokens, target_tokens ("" = none)."""
        decoded = self._decode(text)
        read, ids = decoded["read"], decoded["found"].ids[:, 0]
        ids = ids[
            :, : tf.reduce_max(tf.math.count_nonzero(ids != PADDING, 1, dtype=tf.int32))
        ]  # what a limit left over
        weights = self._given(read["memory"], read["state"], ids)["weights"]
        target_tokens = self._tokens(self.text.target, ids)  # (batch, target_length)
        if weights:
            alignment = self._looked(weights, ids)  # (batch, target_length, source_length)
            alignment = tf.where((target_tokens != "")[:, :, None], tf.cast(alignment, tf.float32), 0.0)
        else:
            alignment = tf.zeros([*tf.unstack(tf.shape(ids)), tf.shape(read["source"])[1]])
        return {
            **self._best(decoded),
            "alignment": alignment,
            "source_tokens": self._tokens(self.text.source, read["source"]),
            "target_tokens": target_tokens,
        }

    @tf.function(input_signature=[SOURCES, TARGETS], autograph=False)
    def serve_score(self, source: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) each -> log_probability, truncated (batch,); of each target token, see `TargetScorer`."""
        read = self._read(source)
        given = self._ids(self.text.target, target, self.max_target_length)
        labels = given["ids"]  # (batch, target_length)
        logits = tf.cast(self._given(read["memory"], read["state"], labels)["logits"], tf.float32)
        log_p = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)  # (batch, target_length)
        log_p = tf.where(labels == PADDING, 0.0, log_p)
        return {
            "log_probability": tf.reduce_sum(log_p, axis=1),
            "token_log_probabilities": log_p,
            "target_tokens": self._tokens(self.text.target, labels),
            "truncated": read["truncated"] | given["truncated"],
        }

    @tf.function(input_signature=[STRINGS], autograph=False)
    def serve_tokens(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Source strings (batch,) -> tokens, ids (batch, source_length), without the end, padded with "" and 0."""
        ids = self.text.source.tokenize(text).to_tensor(PADDING)
        return {"tokens": self._tokens(self.text.source, ids), "ids": ids}

    @tf.function(input_signature=[IDS], autograph=False)
    def serve_text(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """Target ids (batch, target_length) -> text (batch,)."""
        return {"text": self.text.target.detokenize(ids)}

    # --- what they share ---

    @tf.function(input_signature=[STRINGS], autograph=False)
    def _decode(self, text: tf.Tensor) -> dict[str, Any]:
        return self._searched(text, self.search)

    @tf.function(input_signature=[STRINGS], autograph=False)
    def _decode_several(self, text: tf.Tensor) -> dict[str, Any]:
        return self._searched(text, self.several)

    def _searched(self, text: tf.Tensor, search: Any) -> dict[str, Any]:
        read = self._read(text)
        factor = tf.cast(read["length"], tf.float32) * self.length_factor
        limit = tf.where(
            read["length"] > 0, tf.cast(factor, tf.int32) + self.length_extra, 0
        )  # nothing in, nothing out
        found = search(
            lambda inputs: self.step(inputs, training=False),
            read["memory"],
            read["state"],
            limit,
            Request(source_mask=read["source"] != PADDING),
        )
        return {"read": read, "found": found}

    @tf.function(input_signature=[STRINGS], autograph=False)
    def _read(self, text: tf.Tensor) -> dict[str, Any]:
        given = self._ids(self.text.source, text, self.max_source_length)
        with _portable(self.encoder):
            encoded = self.encoder(given["ids"], training=False)
        return {"source": given["ids"], "length": given["length"], "truncated": given["truncated"], **encoded}

    @tf.function(autograph=False, reduce_retracing=True)
    def _given(self, memory: Any, state: Any, ids: tf.Tensor) -> dict[str, Any]:
        """What a step over all of some targets' ids (batch, target_length) says: logits and weights."""
        before = tf.concat([tf.fill([tf.shape(ids)[0], 1], START), ids[:, :-1]], 1)
        state = roomy(state, tf.shape(ids)[1])
        inputs = {"tokens": before, "position": tf.constant(0), "memory": memory, "state": state}
        said = self.step(inputs, training=False)
        return {"logits": said["logits"], "weights": said["weights"]}

    def _looked(self, weights: dict[str, tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Those of all weights that are an alignment, (batch, target_length, source_length)."""
        look = self.look
        if look is None:
            return tf.reduce_mean(list(weights.values())[-1], axis=1)
        one_of("look.layer", look.layer, weights)
        heads = weights[look.layer]  # (batch, heads, target_length, source_length)
        there = look.head is None or look.head < heads.shape[1]
        expect(there, "look.head", f"None or 0 to {heads.shape[1] - 1}", look.head)
        one = tf.reduce_mean(heads, axis=1) if look.head is None else heads[:, look.head]
        lengths = tf.math.count_nonzero(ids != PADDING, 1, dtype=tf.int32)
        last = tf.maximum(lengths - 1, 0)[:, None]  # its own, as behind it there is padding
        return tf.gather(one, tf.minimum(tf.range(tf.shape(ids)[1]) + look.shift, last), batch_dims=1)

    @staticmethod
    def _ids(vocabulary: Any, text: tf.Tensor, longest: int) -> dict[str, tf.Tensor]:
        """Ids with the end (batch, length), how many there are without it, and whether there were more."""
        tokens = vocabulary.tokenize(text)
        cut = tokens[:, :longest]
        ends = tf.fill([tf.shape(text)[0], 1], END)
        ids = tf.concat([cut, ends], axis=1).to_tensor(PADDING)
        # A request of no lines has no time step either, which Keras' recurrent layers cannot do.
        ids = tf.pad(ids, [[0, 0], [0, tf.cast(tf.shape(ids)[1] == 0, tf.int32)]], constant_values=PADDING)
        return {"ids": ids, "length": cut.row_lengths(), "truncated": tokens.row_lengths() > longest}

    def _best(self, decoded: dict[str, Any]) -> dict[str, tf.Tensor]:
        found = decoded["found"]
        text = self.text.target.detokenize(found.ids[:, 0])
        return {"text": text, "score": found.score[:, 0], "truncated": decoded["read"]["truncated"]}

    @staticmethod
    def _tokens(vocabulary: Any, ids: tf.Tensor) -> tf.Tensor:
        return tf.where(ids == PADDING, "", vocabulary.lookup_pieces(ids))


def _distinct(weights: list[Any]) -> list[Any]:
    return list({id(weight): weight for weight in weights}.values())


@contextlib.contextmanager
def _portable(model: keras.Model) -> Iterator[None]:
    """Trace without cuDNN's recurrent kernels, which a server without a GPU could not load."""
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "use_cudnn")]
    kept = [layer.use_cudnn for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn = False
        yield
    finally:
        for layer, value in zip(layers, kept, strict=True):
            layer.use_cudnn = value
