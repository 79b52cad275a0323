"""A model with its tokenizer and its search as one graph: strings in, strings out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf

from keras_attn.decoding import Greedy, Request
from keras_attn.decoding.beginning import roomy
from keras_attn.export.outputs import (
    Alignment,
    Hypothesis,
    Output,
    align_strings,
    decode_strings,
    hypotheses_of_strings,
)
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

STRINGS = tf.TensorSpec([None], tf.string, name="text")


class TextToText(tf.Module):
    """Tokenize, encode, search, detokenize, all inside one graph.

    It shares the weights of `views`: use it before, during and after training.

    Args:
        views: `models.Views` over the vocabularies of `text`, or a `decoding.Ensemble`.
        text: a `Tokenizer`.
        search: any of `decoding`, such as `Beam()`; `Greedy()` if None.
        max_source_length: tokens read of a source; what follows is cut, and `truncated` says so.
        length_factor, length_extra: the output has at most `length_factor * source tokens + length_extra` tokens.

    >>> from keras_attn import models, text
    >>> tokens = text.Tokenizer.train([("a man", "ein Mann"), ("a horse", "ein Pferd")], vocabulary_size=300)
    >>> views = models.seq2seq(models.RNNEncoder(units=4), models.RNNDecoder(units=4), tokens.source.size,
    ...                        tokens.target.size)
    >>> output = TextToText(views, tokens)(["a man", ""])
    >>> len(output.text), output.text[1]
    (2, '')
    """

    def __init__(
        self,
        views: Any,
        text: Tokenizer,
        search: Any = None,
        *,
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

    def __call__(self, lines: Sequence[str], batch_size: int = 64) -> Output:
        """Decode any number of strings; an empty one gives an empty one."""
        return decode_strings(_traced(self.serve), lines, batch_size)

    def hypotheses(self, lines: Sequence[str], batch_size: int = 64) -> list[list[Hypothesis]]:
        """All that the search found for each string, best first; an empty one gives an empty one."""
        return hypotheses_of_strings(_traced(self.serve_hypotheses), lines, batch_size)

    def align(self, lines: Sequence[str], batch_size: int = 64) -> list[Alignment]:
        """Decode, and say where each output token looked (mean over heads of the last attending layer)."""
        return align_strings(_traced(self.serve_alignment), lines, batch_size)

    @tf.function(input_signature=[STRINGS])
    def serve(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) -> text (batch,), score (batch,) float32, truncated (batch,) bool."""
        return self._decode(text)["output"]

    @tf.function(input_signature=[STRINGS])
    def serve_hypotheses(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Strings (batch,) -> text, score, value (batch, n), see `decoding.Hypotheses`; truncated (batch,)."""
        decoded = self._decode(text)
        found = decoded["found"]
        batch, n, longest = tf.unstack(tf.shape(found.ids))
        lines = self.text.target.detokenize(tf.reshape(found.ids, [batch * n, longest]))
        every = {"text": tf.reshape(lines, [batch, n]), "score": found.score, "value": found.value}
        return {**every, "truncated": decoded["output"]["truncated"]}

    @tf.function(input_signature=[STRINGS])
    def serve_alignment(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `serve`, and alignment (batch, target_length, source_length), source_tokens, target_tokens ("" = none)."""
        decoded = self._decode(text)
        source, ids = decoded["source"], decoded["found"].ids[:, 0]
        before = tf.concat([tf.fill([tf.shape(ids)[0], 1], START), ids[:, :-1]], 1)
        encoded = decoded["encoded"]
        state = roomy(encoded["state"], tf.shape(ids)[1])
        step = self.step({"tokens": before, "position": tf.constant(0), "memory": encoded["memory"], "state": state})
        target_tokens = self._tokens(self.text.target, ids)  # (batch, target_length)
        if step["weights"]:
            weights = tf.reduce_mean(
                list(step["weights"].values())[-1], axis=1
            )  # (batch, target_length, source_length)
            weights = tf.where((target_tokens != "")[:, :, None], tf.cast(weights, tf.float32), 0.0)
        else:
            weights = tf.zeros([*tf.unstack(tf.shape(ids)), tf.shape(source)[1]])
        return {
            **decoded["output"],
            "alignment": weights,
            "source_tokens": self._tokens(self.text.source, source),
            "target_tokens": target_tokens,
        }

    def save(self, folder: str | os.PathLike[str], check: Callable[[Path], None] | None = None) -> Path:
        """Write a SavedModel with the signatures `serving_default` and `align`, whole or not at all.

        Args:
            folder: the version's folder, `saved_models/NAME/1`, as TF Serving wants it. It must not exist.
            check: is given the written model before it gets its name; if it raises, nothing is left.

        Returns:
            The folder.
        """
        from keras_attn.export.saved_model import save

        return save(self, folder, check)

    @tf.function(input_signature=[STRINGS])  # one graph for both signatures: half the bytes on disk
    def _decode(self, text: tf.Tensor) -> dict[str, Any]:
        tokens = self.text.source.tokenize(text)
        lengths = tokens.row_lengths()
        cut = tokens[:, : self.max_source_length]
        ends = tf.fill([tf.shape(text)[0], 1], END)
        source = tf.concat([cut, ends], axis=1).to_tensor(PADDING)  # (batch, source_length)
        # A request of no lines has no time step either, which Keras' recurrent layers cannot do.
        source = tf.pad(source, [[0, 0], [0, tf.cast(tf.shape(source)[1] == 0, tf.int32)]], constant_values=PADDING)
        with _portable(self.encoder):
            encoded = self.encoder(source, training=False)
        factor = tf.cast(cut.row_lengths(), tf.float32) * self.length_factor
        limit = tf.where(lengths > 0, tf.cast(factor, tf.int32) + self.length_extra, 0)  # nothing in, nothing out
        found = self.search(
            lambda inputs: self.step(inputs, training=False),
            encoded["memory"],
            encoded["state"],
            limit,
            Request(source_mask=source != PADDING),
        )
        output = {
            "text": self.text.target.detokenize(found.ids[:, 0]),
            "score": found.score[:, 0],
            "truncated": lengths > self.max_source_length,
        }
        return {"output": output, "source": source, "encoded": encoded, "found": found}

    @staticmethod
    def _tokens(vocabulary: Any, ids: tf.Tensor) -> tf.Tensor:
        return tf.where(ids == PADDING, "", vocabulary.lookup_pieces(ids))


def _traced(function: Any) -> Any:
    """Its graph, made in this thread: Keras keeps what it goes by, such as a scope's dtype, for each thread apart."""
    return function.get_concrete_function()


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
