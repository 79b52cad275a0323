"""A model with its tokenizer and its search as TensorFlow functions, which a SavedModel keeps."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf

from keras_attn.decoding import Greedy, ReadyStep, Request, Shortlist, search_short
from keras_attn.decoding.beginning import roomy
from keras_attn.errors import expect, one_of
from keras_attn.export.one_thread import graph
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
        shortlist: Shortlist | None = None,
        max_source_length: int = 256,
        length_factor: float = 2.0,
        length_extra: int = 10,
    ):
        super().__init__(name="text_to_text")
        # Kept apart from what TensorFlow tracks: Keras' models would save copies of their weights in the place of those
        # that the signatures read, and a C++ session, such as TF Serving's, would not find these. And what is no
        # signature would be saved a second time, to be called from Python.
        self._inside = SimpleNamespace(encoder=views.encoder, step=views.step, views=views, shortlist=shortlist)
        self._values = [weight.value for weight in distinct([*views.encoder.weights, *views.step.weights])]
        self.text = text
        self.search = search or Greedy()
        self.look = look
        self.max_source_length = max_source_length
        self.length_factor, self.length_extra = length_factor, length_extra
        self._inside.read = graph(STRINGS)(self._read)
        self._inside.decode = self._searching(self.search)
        self._inside.several = self._searching(several) if several else self._inside.decode
        self._inside.unscored = self._serving_unscored() if isinstance(self.search, Greedy) else self.serve
        self._inside.given = graph()(self._given)

    @property
    def encoder(self) -> Any:
        """Source to memory and state, see `models.Views`."""
        return self._inside.encoder

    @property
    def step(self) -> Any:
        """One step of the decoder, see `models.Views`."""
        return self._inside.step

    @property
    def max_target_length(self) -> int:
        """The most tokens that a search may write; of a given target as many are read."""
        return int(self.length_factor * self.max_source_length) + self.length_extra

    @graph(STRINGS)
    def serve(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) -> text (batch,), score (batch,) float32, truncated (batch,) bool."""
        return self._best(self._inside.decode(text))

    @graph(STRINGS)
    def serve_hypotheses(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) -> text, score, value (batch, n), see `decoding.Hypotheses`; truncated (batch,).

        Where there are fewer than n, the rest is "" and the lowest float32, as JSON has no infinity.
        """
        decoded = self._inside.several(text)
        found = decoded["found"]
        batch, n, longest = tf.unstack(tf.shape(found.ids))
        lines = self.text.target.detokenize(tf.reshape(found.ids, [batch * n, longest]))
        return {
            "text": tf.reshape(lines, [batch, found.ids.shape[1] or n]),
            "score": tf.maximum(found.score, LOWEST),
            "value": tf.maximum(found.value, LOWEST),
            "truncated": decoded["read"]["truncated"],
        }

    @graph(STRINGS)
    def serve_alignment(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `serve`, and alignment (batch, target_length, source_length), source_tokens, target_tokens ("" = none)."""
        decoded = self._inside.decode(text)
        read, ids = decoded["read"], decoded["found"].ids[:, 0]
        ids = ids[
            :, : tf.reduce_max(tf.math.count_nonzero(ids != PADDING, 1, dtype=tf.int32))
        ]  # what a limit left over
        weights = self._inside.given(read["memory"], read["state"], ids)["weights"]
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

    @graph(SOURCES, TARGETS)
    def serve_score(self, source: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) each -> log_probability, truncated (batch,); of each target token, see `TargetScorer`."""
        read = self._inside.read(source)
        given = self._ids(self.text.target, target, self.max_target_length)
        labels = given["ids"]  # (batch, target_length)
        logits = tf.cast(self._inside.given(read["memory"], read["state"], labels)["logits"], tf.float32)
        log_p = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)  # (batch, target_length)
        log_p = tf.where(labels == PADDING, 0.0, log_p)
        return {
            "log_probability": tf.reduce_sum(log_p, axis=1),
            "token_log_probabilities": log_p,
            "target_tokens": self._tokens(self.text.target, labels),
            "truncated": read["truncated"] | given["truncated"],
        }

    @graph(STRINGS)
    def serve_tokens(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Source strings (batch,) -> tokens, ids (batch, source_length), without the end, padded with "" and 0."""
        ids = self.text.source.tokenize(text).to_tensor(PADDING)
        return {"tokens": self._tokens(self.text.source, ids), "ids": ids}

    @graph(IDS)
    def serve_text(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """Target ids (batch, target_length) -> text (batch,)."""
        return {"text": self.text.target.detokenize(ids)}

    # --- what they share ---

    def _searching(self, search: Any) -> Any:
        return graph(STRINGS)(lambda text: self._search(search, text))

    def _serving_unscored(self) -> Any:
        """As `serve`, with scores of 0, which spares each step of a greedy search a pass over all words."""
        decode = self._searching(dataclasses.replace(self.search, scored=False))
        return graph(STRINGS)(lambda text: self._best(decode(text)))

    def _search(self, search: Any, text: tf.Tensor) -> dict[str, Any]:
        read = self._inside.read(text)
        factor = tf.cast(read["length"], tf.float32) * self.length_factor
        limit = tf.where(
            read["length"] > 0, tf.cast(factor, tf.int32) + self.length_extra, 0
        )  # nothing in, nothing out
        asked = (read["memory"], read["state"], limit, Request(source_mask=read["source"] != PADDING))
        short, views = self._inside.shortlist, self._inside.views
        if short is None:
            found = search(ReadyStep(views) if getattr(views, "softmax", None) else self.step, *asked)
        else:
            found = search_short(search, views, short, read["source"], *asked)
        return {"read": read, "found": found}

    def _read(self, text: tf.Tensor) -> dict[str, Any]:
        given = self._ids(self.text.source, text, self.max_source_length)
        # Without cuDNN's recurrent kernels, which a server without a GPU could not load.
        with with_layers(self.encoder, "use_cudnn", False):
            encoded = self.encoder(given["ids"], training=False)
        return {"source": given["ids"], "length": given["length"], "truncated": given["truncated"], **encoded}

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
        lengths = tf.cast(tokens.row_lengths(), tf.int32)
        cut = tf.minimum(lengths, longest)
        # At least one, also in a request of no lines: Keras' recurrent layers cannot do no time step at all.
        places = tf.maximum(tf.reduce_max(cut), 0) + 1
        ids = tokens.to_tensor(PADDING, shape=tf.stack([-1, places]))  # (batch, places), what is too long cut off
        ids = tf.where(tf.range(places) == cut[:, None], END, ids)
        return {"ids": ids, "length": cut, "truncated": lengths > longest}

    def _best(self, decoded: dict[str, Any]) -> dict[str, tf.Tensor]:
        found = decoded["found"]
        text = self.text.target.detokenize(found.ids[:, 0])
        score = tf.maximum(found.score[:, 0], LOWEST)  # where rules left nothing: JSON has no infinity
        return {"text": text, "score": score, "truncated": decoded["read"]["truncated"]}

    @staticmethod
    def _tokens(vocabulary: Any, ids: tf.Tensor) -> tf.Tensor:
        return tf.where(ids == PADDING, "", vocabulary.lookup_pieces(ids))


def distinct(weights: list[Any]) -> list[Any]:
    """Each weight once, however many models share it."""
    return list({id(weight): weight for weight in weights}.values())


@contextlib.contextmanager
def with_layers(model: keras.Model, attribute: str, value: bool) -> Iterator[None]:
    """Trace with another value of an attribute, in those layers that have it."""
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, attribute)]
    kept = [getattr(layer, attribute) for layer in layers]
    try:
        for layer in layers:
            setattr(layer, attribute, value)
        yield
    finally:
        for layer, before in zip(layers, kept, strict=True):
            setattr(layer, attribute, before)
