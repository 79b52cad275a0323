"""Our Transformer in the format of CTranslate2, an engine in C++ that decodes in 8-bit integers too."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_attn.errors import UserError, one_of
from keras_attn.export.ctranslate2_layers import attention, cross_attention, feed_forward, linear, norm
from keras_attn.ops import positions
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, START, UNKNOWN
from keras_attn.whole_file import whole_folder

QUANTIZATIONS = ("int8", "int16", "float16", "float32")
EPSILON = 1e-6  # that of every normalization of `models.transformer`


def to_ctranslate2(
    views: Any,
    encoder: Any,
    decoder: Any,
    text: Tokenizer,
    folder: str | os.PathLike[str],
    *,
    quantization: str | None = None,
    places: int = 2048,
    check: Callable[[Path], None] | None = None,
) -> Path:
    """Write a Transformer as `ctranslate2.Translator` loads it, whole or not at all.

    The folder holds model.bin, config.json, the pieces of each vocabulary, and the SentencePiece models. The translator
    takes pieces and returns pieces; it adds the end to a source by itself:

        pieces = SentencePieceProcessor(model_file="FOLDER/source.model").encode("a man", out_type=str)
        Translator("FOLDER").translate_batch([pieces], beam_size=1)[0].hypotheses[0]

    Args:
        views, encoder, decoder: `models.Views` of a `TransformerEncoder` and a `TransformerDecoder`, and these sizes.
        text: the `Tokenizer`.
        folder: it must not exist.
        quantization: how weights are stored, "int8", "int16", "float16" or "float32"; as they are if None.
        places: longest source and target, for positions "sine", of which CTranslate2 wants a table.
        check: is given the written folder under its temporary name; if it raises, nothing is left.

    Returns:
        The folder.

    Raises:
        UserError: the folder exists, CTranslate2 is not installed, or it, or this conversion, has no such model.
    """
    for name, sizes in (("encoder", encoder), ("decoder", decoder)):
        _check_supported(name, sizes)
    if quantization is not None:
        one_of("quantization", quantization, QUANTIZATIONS)
    layers = {layer.name: layer for layer in views.training.layers}
    spec = _specification(encoder, decoder, layers)
    _fill_encoder(spec.encoder, encoder, layers, places)
    _fill_decoder(spec.decoder, decoder, layers, places)
    for register, vocabulary in (
        (spec.register_source_vocabulary, text.source),
        (spec.register_target_vocabulary, text.target),
    ):
        register(vocabulary.pieces(range(vocabulary.size)))
    config, pieces = spec.config, text.target.pieces(range(text.target.size))
    config.unk_token, config.eos_token = pieces[UNKNOWN], pieces[END]
    config.bos_token = config.decoder_start_token = pieces[START]
    config.add_source_eos, config.layer_norm_epsilon = True, EPSILON
    spec.validate()
    spec.optimize(quantization)
    with whole_folder(Path(folder)) as written:
        spec.save(str(written))
        text.save(written)
        if check is not None:
            check(written)
    return Path(folder)


def _check_supported(name: str, sizes: Any) -> None:
    if not hasattr(sizes, "width"):
        reason = "it is recurrent; CTranslate2 has Transformers only"
    elif sizes.position not in ("sine", "learned"):
        reason = f"position={sizes.position!r} is a part of attention; those added to embeddings (sine, learned) are"
    elif sizes.self_attention != "multi_head":
        reason = f"self_attention={sizes.self_attention!r}; multi_head is"
    elif getattr(sizes, "attention", "multi_head") != "multi_head":
        reason = f"attention={sizes.attention!r} reads the source by one head of its own kind; multi_head is"
    else:
        return
    raise UserError(f"{name}: not supported by the conversion to CTranslate2, because {reason}")


def _specification(encoder: Any, decoder: Any, layers: dict[str, Any]) -> Any:
    """An empty model of the sizes."""
    try:
        from ctranslate2 import specs
    except ImportError as error:
        raise UserError(
            f"ctranslate2: expected it to be installed, got {error}; pip install 'keras_attn[ctranslate2]'"
        ) from error
    sides = []
    for make, sizes in ((specs.TransformerEncoderSpec, encoder), (specs.TransformerDecoderSpec, decoder)):
        activations = {"relu": "RELU", "gelu": "GELU", "swiglu": "SWISH"}
        side = make(
            sizes.layers,
            sizes.heads,
            activation=getattr(specs.Activation, activations[sizes.activation]),
            no_final_norm=f"{sizes.side}_norm" not in layers,
            ffn_glu=sizes.activation == "swiglu",
        )
        side.pre_norm = sizes.norm == "pre"  # afterwards: "post" has no place for a final norm otherwise
        sides.append(side)
    return specs.TransformerSpec(*sides)


def _fill_encoder(spec: Any, sizes: Any, layers: dict[str, Any], places: int) -> None:
    table = layers.get("source_embedding") or layers["target_embedding"]  # one table for both sides
    spec.embeddings[0].weight = np.asarray(table.embeddings)
    _fill_ends(spec, sizes, layers, places)
    for index, into in enumerate(spec.layer):
        block = layers[f"encoder_{index}"]
        attention(into.self_attention, block.attention, block.around_attention)
        feed_forward(into.ffn, block.feed_forward, block.around_feed_forward)


def _fill_decoder(spec: Any, sizes: Any, layers: dict[str, Any], places: int) -> None:
    spec.embeddings.weight = np.asarray(layers["target_embedding"].embeddings)
    _fill_ends(spec, sizes, layers, places)
    if not sizes.tied:
        linear(spec.projection, layers["logits"])
    else:  # a source table that can be a softmax is the softmax, see `models.seq2seq`
        source, target = layers.get("source_embedding"), layers["target_embedding"]
        table = source if isinstance(source, keras.layers.ReversibleEmbedding) else target
        spec.projection.weight = np.asarray(table.embeddings)
    for index, into in enumerate(spec.layer):
        block = layers[f"decoder_{index}"]
        attention(into.self_attention, block.self_attention, block.around_self)
        cross_attention(into.attention, block.attention, block.around_attention, layers["memory_heads"], index)
        feed_forward(into.ffn, block.feed_forward, block.around_feed_forward)


def _fill_ends(spec: Any, sizes: Any, layers: dict[str, Any], places: int) -> None:
    """What comes before and behind the blocks."""
    spec.scale_embeddings = True
    if sizes.position == "learned":
        table = layers[f"{sizes.side}_positions"].embeddings
    else:  # theirs would put all sines before all cosines, and count from 1
        table = positions.sine(np.arange(places), sizes.width)
    spec.position_encodings.encodings = np.asarray(table)
    if (last := layers.get(f"{sizes.side}_norm")) is not None:
        norm(spec.layer_norm, last)
