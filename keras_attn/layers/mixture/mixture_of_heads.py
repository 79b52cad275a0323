"""Many attention heads, of which each token asks the best few."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import masks, routing, weights
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class MixtureOfHeads(keras.layers.Layer):
    """y_t = sum_{i in G(q_t)} w_it softmax(q_t W_i^q (K W^k)^T / sqrt(d)) (V W^v) W_i^o.

        query --+-- router -- softmax -- best few: w, G ------------------+-------------------+
                +-- W_i^q of those few --+                                |                   |
        key ---- W^k (one for all) ------+-- score -- mask -- softmax --+-+- x w -- W_i^o --- sum -- y
        value -- W^v (one for all) -------------------------------------+

    with p_t = softmax(q_t W_g), G the k experts of the largest p, w_it = p_it / detach(sum_{j in G} p_jt).

    Only the chosen heads are computed, projections included: tokens are sorted by expert and no token is dropped, so
    multiply-adds grow with `active` and not with `experts` (and up to a quarter more for places that stay empty, see
    `ops.routing.lay_out`). What does grow with `experts` is the memory that kernels and their gradients take. Forward
    and backward over 2,048 tokens of width 512, heads of 64, one thread: 2 of 8 heads 177 ms, 2 of 64 heads 375; dense
    heads beside them: 2 take 104, 8 take 399, 64 take 3,132 (docs/benchmarks.md, 2026-11-20).

    In training alpha L_a + beta L_z is added to the model's loss, so that all experts are asked: L_a = E sum_i f_i P_i
    over the tokens of the batch, with f_i the share of choices that fell on expert i and P_i its share of
    probability, and L_z = mean (log sum_i exp(q_t W_g)_i)^2. Padded queries don't count.

    Args:
        experts: E, how many heads there are.
        active: k, how many each token asks.
        head_dim: d, width of queries and keys.
        value_dim: width of a head's values; `head_dim` if None.
        dropout: share of attention weights dropped in training.
        balance_weight: alpha, of L_a.
        z_weight: beta, of L_z.
        seed: integer for dropout, or None.

    Call arguments:
        query: (batch, query_length, features).
        value: (batch, key_length, value_features).
        key: (batch, key_length, key_features); `value` if None.
        query_mask: (batch, query_length) booleans: rows that are False read nothing (zero output, weights, gates).
        value_mask, key_mask: (batch, key_length) booleans, True = may be seen. Keras fills them from hidden masks.
        attention_mask: (batch, query_length, key_length) booleans, True = may look.
        use_causal_mask: position q sees positions <= q only.
        return_attention_scores: also return the weights.
        return_gates: also return w, zero for experts that were not asked.

    Returns:
        (batch, query_length, features); then, if asked for, weights (batch, active, query_length, key_length), those of
        each token's best expert first; then, if asked for, gates (batch, query_length, experts).

    Source: Zhang et al. 2022, "Mixture of Attention Heads: Selecting Attention Heads Per Token", section 4.
    """

    def __init__(
        self,
        experts: int,
        active: int = 2,
        head_dim: int = 64,
        value_dim: int | None = None,
        dropout: float = 0.0,
        balance_weight: float = 0.01,
        z_weight: float = 0.001,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        expect(1 <= active <= experts, "active", f"1 to {experts}, the number of experts", active)
        expect(head_dim >= 1, "head_dim", "at least 1", head_dim)
        expect(value_dim is None or value_dim >= 1, "value_dim", "at least 1, or None", value_dim)
        self.experts = experts
        self.active = active
        self.head_dim = head_dim
        self.value_dim = value_dim
        self.dropout = dropout
        self.balance_weight = balance_weight
        self.z_weight = z_weight
        self.seed = seed
        self.supports_masking = True
        dense = {"use_bias": False, "dtype": self.dtype_policy}
        self.project_key = keras.layers.Dense(head_dim, **dense, name="key")
        self.project_value = keras.layers.Dense(value_dim or head_dim, **dense, name="value")
        self.drop = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy)

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        self.project_key.build(key_shape or value_shape)
        self.project_value.build(value_shape)
        features, value_dim = query_shape[-1], self.value_dim or self.head_dim
        # The choice is made in at least 32 bits, whatever the policy computes in.
        self.router = self.add_weight(shape=(features, self.experts), name="router", autocast=False)  # W_g
        self.query_kernel = self._kernels(features, self.head_dim, "query")  # (experts, features, head_dim)
        self.output_kernel = self._kernels(value_dim, features, "output")  # (experts, value_dim, features)
        self.built = True

    def _kernels(self, inputs: int, outputs: int, name: str) -> Any:
        """One matrix for each expert, each drawn as Glorot's; Keras would count the experts as inputs."""
        limit = math.sqrt(6 / (inputs + outputs))
        initializer = keras.initializers.RandomUniform(-limit, limit)
        return self.add_weight(shape=(self.experts, inputs, outputs), initializer=initializer, name=name)

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        return_gates: bool = False,
        training: bool | None = None,
    ) -> Any:
        check(query, "batch query_length features", "query")
        check(value, "batch key_length value_features", "value")
        key = value if key is None else key
        check(key, "batch key_length key_features", "key")
        batch, length, features = ops.shape(query)
        lengths = (ops.shape(query)[1], ops.shape(key)[1]) if use_causal_mask else None
        mask = masks.of_call(query_mask, value_mask, key_mask, attention_mask, lengths)
        tokens = ops.reshape(query, (batch * length, features))  # (tokens, features)
        gate, index = self.route(tokens, query_mask, training)  # (tokens, active)
        places = routing.lay_out(ops.reshape(index, (-1,)), self.experts)

        asked = routing.apply(tokens, self.query_kernel, places, self.active)  # (tokens * active, head_dim)
        asked = ops.reshape(asked, (batch, length * self.active, self.head_dim)) / math.sqrt(self.head_dim)
        score = ops.matmul(asked, ops.transpose(self.project_key(key), (0, 2, 1)))
        key_length = ops.shape(score)[-1]
        score = ops.reshape(score, (batch, length, self.active, key_length))  # heads beside their token: no transpose
        weight = weights.softmax(score, None if mask is None else ops.expand_dims(mask, 2))
        dropped = ops.reshape(self.drop(weight, training=training), (batch, length * self.active, key_length))
        head = ops.matmul(dropped, self.project_value(value))  # (batch, query_length * active, value_dim)

        head = ops.reshape(head, (batch * length * self.active, head.shape[-1])) * ops.reshape(gate, (-1, 1))
        out = routing.apply(head, self.output_kernel, places)  # (tokens * active, features)
        out = ops.sum(
            ops.reshape(out, (batch, length, self.active, features)), axis=2
        )  # (batch, query_length, features)
        outputs = [out]
        if return_attention_scores:
            outputs.append(ops.transpose(weight, (0, 2, 1, 3)))  # (batch, active, query_length, key_length)
        if return_gates:
            spread = ops.one_hot(index, self.experts, dtype=gate.dtype) * ops.expand_dims(gate, -1)
            spread = ops.reshape(ops.sum(spread, axis=1), (batch, length, self.experts))
            shown = spread if query_mask is None else spread * ops.cast(ops.expand_dims(query_mask, 2), gate.dtype)
            outputs.append(shown)  # (batch, query_length, experts)
        return tuple(outputs) if len(outputs) > 1 else out

    def route(self, tokens: Any, query_mask: Any = None, training: bool | None = None) -> tuple[Any, Any]:
        """Who is asked by each token, and how much each counts: weights and indices (tokens, active).

        In training the losses of the router are added.

        Args:
            tokens: (tokens, features).
            query_mask: booleans of as many elements, or None.
        """
        wide = weights.widened(tokens)
        logits = ops.matmul(wide, ops.cast(self.router, wide.dtype))  # (tokens, experts)
        probabilities = ops.softmax(logits, axis=-1)
        gate, index = routing.choose(probabilities, self.active)
        if training:
            counts = None if query_mask is None else ops.reshape(query_mask, (-1,))
            balance = routing.balance_loss(probabilities, index, counts)
            self.add_loss(self.balance_weight * balance + self.z_weight * routing.z_loss(logits, counts))
        return ops.cast(gate, tokens.dtype), index

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        *_: Any,
        return_attention_scores: bool = False,
        return_gates: bool = False,
        **__: Any,
    ) -> Any:
        batch, length, _ = query.shape
        shapes = [tuple(query.shape)]
        shapes += [(batch, self.active, length, (value if key is None else key).shape[1])] * return_attention_scores
        shapes += [(batch, length, self.experts)] * return_gates
        outputs = tuple(keras.KerasTensor(shape, dtype=self.compute_dtype) for shape in shapes)
        return outputs if len(outputs) > 1 else outputs[0]

    def get_config(self) -> dict:
        names = ("experts", "active", "head_dim", "value_dim", "dropout", "balance_weight", "z_weight", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
