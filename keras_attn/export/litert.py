"""The encoder and a step of the decoder as a LiteRT model, for telephones and other small machines."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_attn.decoding.beginning import roomy
from keras_attn.errors import UserError, one_of
from keras_attn.export.text_graph import distinct, with_layers
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import START
from keras_attn.whole_file import whole_folder

MODEL = "model.tflite"
QUANTIZATIONS = ("int8", "float16")
SOURCE = tf.TensorSpec([1, None], tf.int32, name="source")
TOKEN, POSITION = tf.TensorSpec([1, 1], tf.int32, name="token"), tf.TensorSpec([], tf.int32, name="position")


def to_litert(
    views: Any,
    text: Tokenizer,
    folder: str | os.PathLike[str],
    *,
    quantization: str | None = None,
    check: Callable[[Path], None] | None = None,
) -> Path:
    """Write model.tflite and the tokenizer's SentencePiece models, whole or not at all.

    The model has two signatures, for one sentence at a time; the search around them is the user's:

        start   source (1, source_length) int32, the end's id 3 included -> logits (1, vocabulary) of the first token,
                memory_..., state_...
        step    token (1, 1) int32, position () int32, counted from 1, memory_..., state_...
                -> logits (1, vocabulary) of the token that comes after, state_...

    A memory is made once, a state is handed from step to step. All operations are LiteRT's own; none is left to
    TensorFlow.

    Args:
        views: `models.Views` over the vocabularies of `text`.
        text: a `Tokenizer`.
        folder: to make.
        quantization: "int8" stores matrices in 8 bits, "float16" all weights in 16; None keeps float32.
        check: is given the written folder before it gets its name; if it raises, nothing is left.

    Raises:
        UserError: the folder exists, or LiteRT has no such operations; the reason is named.
    """
    if quantization is not None:
        one_of("quantization", quantization, QUANTIZATIONS)
    module = _module(views)
    with whole_folder(Path(folder)) as written:
        (written / MODEL).write_bytes(_convert(module, quantization))
        text.save(written / "tokenizer")
        if check is not None:
            check(written)
    return Path(folder)


def _module(views: Any) -> tf.Module:
    """A module with the functions `start` and `step`."""
    module = tf.Module()
    module.values = [weight.value for weight in distinct([*views.encoder.weights, *views.step.weights])]

    def say(token: Any, position: Any, memory: Any, state: Any) -> dict[str, Any]:
        inputs = {"tokens": token, "position": position, "memory": memory, "state": state}
        with with_layers(views.step, "unroll", True):  # the converter cannot do a loop of one step (TensorFlow 2.21)
            said = views.step(inputs, training=False)
        return {"logits": tf.cast(said["logits"][:, -1], tf.float32), "state": said["state"]}

    def start(source: Any) -> dict[str, Any]:
        with with_layers(views.encoder, "use_cudnn", False):
            encoded = views.encoder(source, training=False)
        # A length that is known only when it runs, so that caches are as long as what they hold.
        state = roomy(encoded["state"], tf.shape(source)[1])
        said = say(tf.fill([1, 1], START), tf.constant(0), encoded["memory"], state)
        return _flat({**said, "memory": encoded["memory"]})

    module.start = tf.function(start, input_signature=[SOURCE], autograph=False)
    outputs = module.start.get_concrete_function().structured_outputs
    nested = {part: views.encoder.output[part] for part in ("memory", "state")}
    leaves = [tf.TensorSpec(outputs[name].shape, outputs[name].dtype, name=name) for name in _flat(nested)]

    def step(token: Any, position: Any, *given: Any) -> dict[str, Any]:
        parts = keras.tree.pack_sequence_as(nested, list(given))
        return _flat(say(token, position, parts["memory"], parts["state"]))

    module.step = tf.function(step, input_signature=[TOKEN, POSITION, *leaves], autograph=False)
    return module


def _convert(module: Any, quantization: str | None) -> bytes:
    signatures = {"start": module.start, "step": module.step}
    with tempfile.TemporaryDirectory(prefix="keras-attn-litert-") as work:
        tf.saved_model.save(module, work, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(work, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.experimental_enable_resource_variables = True
        if quantization is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantization == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            return converter.convert()
        except Exception as error:  # the converter's own is private, and others come from what it calls
            reason = " ".join(str(error).split())[:300]
            raise UserError(
                f"format: this model is not supported by the conversion to LiteRT, because {reason}"
            ) from error


def _flat(nested: Any) -> dict[str, Any]:
    """Leaves by the names of their places: {"state": {"cache": [x]}} -> {"state_cache_0": x}."""
    return {"_".join(map(str, path)): leaf for path, leaf in keras.tree.flatten_with_path(nested)}
