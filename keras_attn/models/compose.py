"""Any encoder with any decoder, as three views over one set of layers."""

from __future__ import annotations

from typing import Any, Literal

import keras

from keras_attn.errors import UserError, one_of
from keras_attn.layers import ReversibleEmbedding
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
    share_embeddings: bool | Literal["softmax"] = False,
) -> Views:
    """Compose an encoder and a decoder.

    Args:
        encoder, decoder: their sizes; each makes its layers in `wire`.
        source_vocabulary, target_vocabulary: number of ids of each side; 0 is padding.
        share_embeddings: one table of word vectors for both sides, which then need one vocabulary and one width;
            "softmax": one for the source and the softmax, and another for what the decoder reads. With
            `decoder.tied` the softmax is that of the target's table, so any two or all three may be one.

    Returns:
        The three views. `views.training` is a plain functional `keras.Model`.

    Raises:
        UserError: embeddings are to be shared, but vocabularies or widths differ, or the softmax has weights of its
            own.

    >>> views = seq2seq(RNNEncoder(units=5), RNNDecoder(units=7), source_vocabulary=11, target_vocabulary=13)
    >>> views.training.output_shape
    (None, None, 13)
    """
    one_of("share_embeddings", share_embeddings, (False, True, "softmax"))
    if share_embeddings and (source_vocabulary, encoder.embedding) != (target_vocabulary, decoder.embedding):
        raise UserError(
            "share_embeddings: expected one vocabulary and one width on both sides, got "
            f"{source_vocabulary} x {encoder.embedding} and {target_vocabulary} x {decoder.embedding}; train the "
            "tokenizer with shared=True and give encoder and decoder the same `embedding`"
        )

    apart = share_embeddings == "softmax"
    if apart and not decoder.tied:
        raise UserError(
            "share_embeddings: 'softmax' needs a softmax without weights of its own; give the decoder tied=True"
        )

    # Layers
    target_embed = _table("target_embedding", target_vocabulary, decoder)
    source_embed = target_embed
    if apart:
        source_embed = _table("source_embedding", source_vocabulary, encoder)
    elif not share_embeddings:
        source_embed = keras.layers.Embedding(
            source_vocabulary, encoder.embedding, _initializer(encoder), name="source_embedding"
        )

    start, step, project, cache, shares_memory = decoder.wire(target_vocabulary, target_embed)
    softmax = project or (source_embed if apart else target_embed)

    def logits_of(hidden: Any) -> Any:
        return softmax(hidden) if project else softmax(hidden, reverse=True)  # (batch, n, vocabulary)

    # Source -> memory, first state
    source = keras.Input((None,), dtype="int32", name="source")
    memory, state = start(encoder.wire(source, source_embed))
    first = {**state, **cache(source)}

    # The whole target as one long step
    target = keras.Input((None,), dtype="int32", name="target")
    logits = logits_of(step(target, 0, memory, state)[0])

    # n tokens as a step
    inputs: dict[str, Any] = {
        "tokens": keras.Input((None,), dtype="int32", name="tokens"),
        "position": keras.Input(batch_shape=(), dtype="int32", name="position"),
        "memory": keras.tree.map_structure(_input_like, memory),
        "state": keras.tree.map_structure(_input_like, first),
    }
    hidden, after, weights = step(*inputs.values())
    rest = {"state": after, "weights": weights}

    before_softmax = keras.Model(inputs, {"hidden": hidden, **rest}, name="before_softmax")
    views = Views(
        training=keras.Model({"source": source, "target": target}, logits, name="training"),
        encoder=keras.Model(source, {"memory": memory, "state": first}, name="encoder"),
        step=keras.Model(inputs, {"logits": logits_of(hidden), **rest}, name="step"),
        before_softmax=before_softmax,
        softmax=softmax,
    )
    views.step.shares_memory = before_softmax.shares_memory = shares_memory
    return views


def _table(name: str, vocabulary: int, side: Any) -> keras.layers.Layer:
    """Word vectors that can also be the softmax's matrix."""
    return ReversibleEmbedding(
        vocabulary,
        side.embedding,
        embeddings_initializer=_initializer(side),
        reverse_dtype=keras.config.dtype_policy().compute_dtype,  # else float32 in mixed precision, against its spec
        name=name,
    )


def _initializer(side: Any) -> Any:
    """Of word vectors; Keras' own where encoder or decoder has no wish."""
    return getattr(side, "embeddings_initializer", "uniform")


def _input_like(tensor: Any) -> Any:
    return keras.Input(tensor.shape[1:], dtype=tensor.dtype)
