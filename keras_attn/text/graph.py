"""The same vocabulary as TensorFlow functions, with nothing kept outside of the graph.

A tensorflow-text tokenizer object owns a resource that dies whenever a seed is set, and that a SavedModel
holds only if the tokenizer is tracked. Here the op that makes the resource is inside of the function that
uses it, so every graph (an eager call, `tf.data`, a SavedModel, a server) brings the model bytes along and finds
or makes the resource at each call. Detokenizing needs none: it is one table of what each id adds to the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops
from tensorflow_text.python.ops import sentencepiece_tokenizer

from keras_attn.text.training import END, PADDING

_ops = sentencepiece_tokenizer.gen_sentencepiece_tokenizer


def tokenize_function(model_bytes: bytes) -> Callable[[Any], tf.RaggedTensor]:
    """Return a `tf.function`: strings (batch,) -> ragged int32 (batch, None)."""

    # Resources are found by name. Without one of our own, loading a SavedModel names them after their node, which
    # is the same in each function: all vocabularies would be the first one.
    name = f"vocabulary_{hashlib.sha256(model_bytes).hexdigest()}"

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="strings")], autograph=False)
    def tokenize(strings):
        model = _ops.sentencepiece_op(model=model_bytes, shared_name=name)
        ids, splits = _ops.sentencepiece_tokenize_op(
            model, strings, 0, 1.0, False, False, False, tf.int32, return_nbest=False
        )
        return tf.RaggedTensor.from_row_splits(ids, splits, validate=False)

    return tokenize


def detokenize_function(surfaces: list[bytes]) -> Callable[[Any], tf.Tensor]:
    """Return a `tf.function`: int32 (batch, length) -> strings (batch,), up to the first end."""

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")], autograph=False)
    def detokenize(ids):
        ended = tf.cumsum(tf.cast(ids == END, tf.int32), axis=1) > 0
        ids = tf.where(ended, PADDING, ids)
        joined = tf.strings.reduce_join(tf.gather(tf.constant(surfaces), ids), axis=1)
        text = tf.strings.unicode_transcode(joined, "UTF-8", "UTF-8", errors="replace")
        text = tf.strings.regex_replace(text, "\u2581", " ")
        return tf.strings.regex_replace(text, r"\A ", "", replace_global=False)

    return detokenize


def lookup_function(pieces: list[str]) -> Callable[[Any], tf.Tensor]:
    """Return a `tf.function`: int32 (n,) -> strings (n,)."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="ids")], autograph=False)
    def lookup(ids):
        return tf.gather(tf.constant(pieces), ids)

    return lookup
