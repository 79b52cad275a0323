"""Any encoder with any decoder, as three views over one set of layers."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import UserError
from keras_attn.models.decoders.rnn import RNNDecoder
from keras_attn.models.decoders.transformer import TransformerDecoder
from keras_attn.models.encoders.rnn import RNNEncoder
from keras_attn.models.encoders.transformer import TransformerEncoder
from keras_attn.models.views import Views


def seq2seq(
    encoder: RNNEncoder | TransformerEncoder,
    decoder: RNNDecoder | TransformerDecoder,
    source_vocabulary: int,
    target_vocabulary: int,
    share_embeddings: bool = False,
) -> Views:
    """Compose an encoder and a decoder.

    Args:
        encoder, decoder: their sizes; each makes its layers in `wire`.
        source_vocabulary, target_vocabulary: number of ids of each side; 0 is padding.
        share_embeddings: one table of word vectors for both sides, which then need one vocabulary and one width.

    Returns:
        The three views. `views.training` is a plain functional `keras.Model`.

    Raises:
        UserError: embeddings are to be shared, but vocabularies or widths differ.

    >>> views = seq2seq(RNNEncoder(units=5), RNNDecoder(units=7), source_vocabulary=11, target_vocabulary=13)
    >>> views.training.output_shape
    (None, None, 13)
    """
    if share_embeddings and (source_vocabulary, encoder.embedding) != (target_vocabulary, decoder.embedding):
        raise UserError(
            "share_embeddings: expected one vocabulary and one width on both sides, got "
            f"{source_vocabulary} x {encoder.embedding} and {target_vocabulary} x {decoder.embedding}; train the "
            "tokenizer with shared=True and give encoder and decoder the same `embedding`"
        )

    # Layers
    target_embed = keras.layers.ReversibleEmbedding(
        target_vocabulary,
        decoder.embedding,
        embeddings_initializer=_initializer(decoder),
        reverse_dtype=keras.config.dtype_policy().compute_dtype,  # else float32 in mixed precision, against its spec
        name="target_embedding",
    )
    source_embed = target_embed if share_embeddings else _source_embedding(source_vocabulary, encoder)
    start, step, cache = decoder.wire(target_vocabulary, target_embed)

    # Source -> memory, first state
    source = keras.Input((None,), dtype="int32", name="source")
    memory, state = start(encoder.wire(source, source_embed))
    first = {**state, **cache(source)}

    # The whole target as one long step
    target = keras.Input((None,), dtype="int32", name="target")
    logits, _, _ = step(target, 0, memory, state)

    # n tokens as a step
    inputs: dict[str, Any] = {
        "tokens": keras.Input((None,), dtype="int32", name="tokens"),
        "position": keras.Input(batch_shape=(), dtype="int32", name="position"),
        "memory": keras.tree.map_structure(_input_like, memory),
        "state": keras.tree.map_structure(_input_like, first),
    }
    outputs = dict(zip(("logits", "state", "weights"), step(*inputs.values()), strict=True))

    return Views(
        training=keras.Model({"source": source, "target": target}, logits, name="training"),
        encoder=keras.Model(source, {"memory": memory, "state": first}, name="encoder"),
        step=keras.Model(inputs, outputs, name="step"),
    )


def _source_embedding(vocabulary: int, encoder: RNNEncoder | TransformerEncoder) -> keras.layers.Layer:
    initializer = _initializer(encoder)
    return keras.layers.Embedding(vocabulary, encoder.embedding, initializer, name="source_embedding")


def _initializer(side: Any) -> Any:
    """Of word vectors; Keras' own where encoder or decoder has no wish."""
    return getattr(side, "embeddings_initializer", "uniform")


def _input_like(tensor: Any) -> Any:
    return keras.Input(tensor.shape[1:], dtype=tensor.dtype)
