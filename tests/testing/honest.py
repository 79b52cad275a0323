"""A small attention layer that keeps every promise, in parts that a test can break one at a time."""

from __future__ import annotations

import keras
from keras import ops

from keras_attn.ops import masks, weights
from keras_attn.ops.memory import extend


@keras.saving.register_keras_serializable("tests")
class Honest(keras.layers.Layer):
    """score = tanh(query W) (key U)^T, context = softmax(score) value."""

    def __init__(self, units=7, dropout=0.0, scale=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dropout, self.scale, self.seed = units, dropout, scale, seed
        self.draw = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        self.query_kernel = self.add_weight((query_shape[-1], self.units), name="query_kernel")
        self.key_kernel = self.add_weight((key_shape[-1], self.units), name="key_kernel")

    def call(
        self,
        query,
        value,
        key=None,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        use_causal_mask=False,
        return_attention_scores=False,
        training=None,
    ):
        mask = self.visible(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        context, weight = self.attend(query, self.project(value if key is None else key), value, mask, training)
        return (context, weight) if return_attention_scores else context

    def visible(self, query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask):
        return masks.both(
            None if query_mask is None else query_mask[:, :, None],
            None if value_mask is None else value_mask[:, None],
            None if key_mask is None else key_mask[:, None],
            attention_mask,
            self.causal(query, value) if use_causal_mask else None,
        )

    def causal(self, query, value):
        return masks.causal(ops.arange(ops.shape(query)[1]), ops.arange(ops.shape(value)[1]))[None]

    def project(self, key):
        return ops.matmul(key, self.key_kernel)

    def attend(self, query, key, value, mask, training=None):
        weight = self.weigh(self.score(query, key), mask)
        dropped = self.drop(weight) if training and self.dropout else weight
        return self.read(dropped, value), weight

    def score(self, query, key):
        return self.scale * ops.matmul(ops.tanh(ops.matmul(query, self.query_kernel)), ops.swapaxes(key, 1, 2))

    def weigh(self, score, mask):
        return weights.softmax(score, mask)

    def drop(self, weight):
        return keras.random.dropout(weight, self.dropout, seed=self.draw)

    def read(self, weight, value):
        return ops.matmul(weight, value)

    def compute_output_spec(self, query, value, key=None, return_attention_scores=False, **kwargs):
        context = keras.KerasTensor((*query.shape[:2], value.shape[-1]), dtype=self.compute_dtype)
        scores = keras.KerasTensor((*query.shape[:2], value.shape[1]), dtype=self.compute_dtype)
        return (context, scores) if return_attention_scores else context

    def get_config(self):
        own = {"units": self.units, "dropout": self.dropout, "scale": self.scale, "seed": self.seed}
        return {**super().get_config(), **own}

    # Self-attention in pieces: the cache has one head

    def start(self, batch, length):
        return {
            "key": ops.zeros((batch, 1, length, self.units), self.compute_dtype),
            "value": ops.zeros((batch, 1, length, self.query_kernel.shape[0]), self.compute_dtype),
        }

    def step(self, x, position, cache):
        cache = extend(cache, self.project(x)[:, None], x[:, None], position)
        length = cache["key"].shape[2]
        mask = masks.causal(position + ops.arange(x.shape[1]), ops.arange(length))[None]
        return self.attend(x, cache["key"][:, 0], cache["value"][:, 0], mask)[0], cache
