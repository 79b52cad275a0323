"""The models of this package again, made of the layers of Keras and of KerasHub as their users would write them.

For benchmarks. Sizes come from the dataclasses of `keras_attn.models`, so that they are equal by construction; what is
built has normalization after each residual, one table of embeddings, sine positions.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

EPSILON = 1e-6


class Waves(layers.Layer):
    """x + PE, from a table; Keras has no layer for it."""

    def __init__(self, width: int, longest: int = 256):
        super().__init__()
        angle = np.arange(longest)[:, None] / 10000.0 ** (np.arange(0, width, 2) / width)
        self.table = np.stack([np.sin(angle), np.cos(angle)], -1).reshape(longest, width).astype("float32")

    def call(self, x: Any) -> Any:
        return x + ops.cast(ops.convert_to_tensor(self.table)[: ops.shape(x)[1]], x.dtype)


def embedding(vocabulary: int, width: int, stddev: float | None = None) -> layers.Layer:
    """A table that is the softmax's matrix too; as in `seq2seq`, it multiplies in the type of the rest."""
    initializer = keras.initializers.RandomNormal(stddev=stddev) if stddev else "uniform"
    dtype = keras.config.dtype_policy().compute_dtype
    return layers.ReversibleEmbedding(
        vocabulary, width, embeddings_initializer=initializer, reverse_dtype=dtype, name="embedding"
    )


def keras_transformer(encoder: Any, decoder: Any, vocabulary: int) -> keras.Model:
    """Of `MultiHeadAttention`, `LayerNormalization`, `Dense` and `Dropout`.

    Args:
        encoder, decoder: `TransformerEncoder` and `TransformerDecoder`, normalized "post", with dropout as they say.
        vocabulary: of both sides.
    """
    width = encoder.width
    embed, waves = embedding(vocabulary, width, width**-0.5), Waves(width)

    def enter(ids: Any, side: Any) -> Any:
        return layers.Dropout(side.dropout)(waves(layers.Rescaling(width**0.5)(embed(ids))))

    def around(x: Any, y: Any, side: Any, name: str) -> Any:
        norm = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")
        return norm(layers.Add()([x, layers.Dropout(side.dropout)(y)]))

    def attend(x: Any, memory: Any, side: Any, name: str, **masks: Any) -> Any:
        layer = layers.MultiHeadAttention(side.heads, side.head_dim, name=name)
        return around(x, layer(x, memory, **masks), side, name)

    def feed_forward(x: Any, side: Any, name: str) -> Any:
        hidden = layers.Dense(side.feed_forward, activation="relu", name=f"{name}_widen")(x)
        return around(x, layers.Dense(width, name=f"{name}_narrow")(hidden), side, name)

    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    mask = ops.expand_dims(ops.not_equal(source, 0), 1)  # (batch, 1, source_length)
    x = enter(source, encoder)
    for index in range(encoder.layers):
        x = attend(x, x, encoder, f"encoder_{index}_self", attention_mask=mask)
        x = feed_forward(x, encoder, f"encoder_{index}_feed_forward")
    memory, x = x, enter(target, decoder)
    for index in range(decoder.layers):
        x = attend(x, x, decoder, f"decoder_{index}_self", use_causal_mask=True)
        x = attend(x, memory, decoder, f"decoder_{index}_cross", attention_mask=mask)
        x = feed_forward(x, decoder, f"decoder_{index}_feed_forward")
    return keras.Model({"source": source, "target": target}, embed(x, reverse=True))


def hub_transformer(encoder: Any, decoder: Any, vocabulary: int) -> keras.Model:
    """Of KerasHub's `TransformerEncoder` and `TransformerDecoder`.

    These also drop attention weights. The other sides do not, so that is taken out, which makes KerasHub faster.

    Raises:
        ImportError: there is no KerasHub.
    """
    import keras_hub

    width = encoder.width
    embed, waves = embedding(vocabulary, width, width**-0.5), keras_hub.layers.SinePositionEncoding()

    def enter(ids: Any, side: Any) -> Any:
        scaled = layers.Rescaling(width**0.5)(embed(ids))
        return layers.Dropout(side.dropout)(layers.Add()([scaled, waves(scaled)]))

    def block(kind: Any, side: Any, name: str) -> Any:
        more = {"dropout": side.dropout, "layer_norm_epsilon": EPSILON, "name": name}
        return kind(side.feed_forward, side.heads, **more)

    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    mask = ops.not_equal(source, 0)
    x = enter(source, encoder)
    for index in range(encoder.layers):
        x = block(keras_hub.layers.TransformerEncoder, encoder, f"encoder_{index}")(x, padding_mask=mask)
    memory, x = x, enter(target, decoder)
    for index in range(decoder.layers):
        layer = block(keras_hub.layers.TransformerDecoder, decoder, f"decoder_{index}")
        x = layer(x, memory, encoder_padding_mask=mask)
    model = keras.Model({"source": source, "target": target}, embed(x, reverse=True))
    for layer in model._flatten_layers():
        if isinstance(layer, layers.MultiHeadAttention):
            layer._dropout = 0.0
    return model


class BahdanauCell(layers.Layer):
    """A GRU cell that reads annotations before each step; they come as states, as Keras 3's `RNN` has no constants."""

    def __init__(self, units: int, features: int):
        super().__init__()
        self.gru = layers.GRUCell(units, reset_after=False)
        self.project = layers.Dense(units, use_bias=False)
        self.score = layers.Dense(1, use_bias=False)
        self.softmax = layers.Softmax()  # over the last axis: over another one XLA has no gradient inside `RNN`
        self.units, self.features = units, features
        self.state_size = [units, (None, units), (None, features), (None,)]
        self.output_size = units + features

    def build(self, input_shape: Any) -> None:
        self.gru.build((input_shape[0], input_shape[-1] + self.features))
        self.project.build((input_shape[0], self.units))
        self.score.build((input_shape[0], None, self.units))
        self.built = True

    def call(self, inputs: Any, states: list, training: bool | None = None) -> tuple[Any, list]:
        state, keys, values, mask = states
        hidden = ops.tanh(ops.expand_dims(self.project(state), 1) + keys)  # (batch, source_length, units)
        scores = ops.squeeze(self.score(hidden), -1)  # (batch, source_length)
        weights = self.softmax(scores, mask=ops.cast(mask, "bool"))
        context = ops.sum(ops.expand_dims(weights, -1) * values, axis=1)  # (batch, features)
        output, _ = self.gru(ops.concatenate([inputs, context], -1), [state], training=training)
        return ops.concatenate([output, context], -1), [output, keys, values, mask]


def keras_gru(encoder: Any, decoder: Any, source_vocabulary: int, target_vocabulary: int) -> keras.Model:
    """The recurrent translator with additive attention, deep output and tied embeddings: `RNN` over that cell.

    Args:
        encoder, decoder: `RNNEncoder` and `RNNDecoder` of one layer of GRU cells, as `multi30k-gru-tok` has them.
        source_vocabulary, target_vocabulary: number of ids.
    """
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    mask = ops.not_equal(source, 0)
    x = layers.Dropout(encoder.dropout)(
        layers.Embedding(source_vocabulary, encoder.embedding, name="source_embedding")(source)
    )
    reader = layers.Bidirectional(layers.GRU(encoder.units, return_sequences=True, return_state=True), name="encoder")
    values, _, backward = reader(x, mask=mask)
    values = layers.Dropout(encoder.dropout)(ops.copy(values))
    keys = layers.Dense(decoder.units, use_bias=False, name="keys")(values)
    first = layers.Dense(decoder.units, activation="tanh", name="first_state")(backward)

    embed = embedding(target_vocabulary, decoder.embedding)
    y = layers.Dropout(decoder.dropout)(embed(target))  # (batch, target_length, embedding)
    cell = BahdanauCell(decoder.units, 2 * encoder.units)
    dtype = keras.config.dtype_policy().compute_dtype
    states = [first, keys, values, ops.cast(mask, dtype)]
    hidden = layers.RNN(cell, return_sequences=True, name="decoder")(y, initial_state=states)
    state, context = hidden[..., : decoder.units], hidden[..., decoder.units :]
    wide = layers.Dense(2 * decoder.embedding, use_bias=False, name="deep_output")(
        layers.Concatenate()([state, y, context])
    )
    deep = ops.max(layers.Reshape((-1, decoder.embedding, 2))(wide), axis=-1)
    return keras.Model({"source": source, "target": target}, embed(layers.Dropout(decoder.dropout)(deep), reverse=True))
