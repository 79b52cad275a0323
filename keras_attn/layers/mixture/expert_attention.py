"""Attention over experts: each one's prediction counts as much as attention says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import masks, weights


@keras.saving.register_keras_serializable("keras_attn")
class ExpertAttention(keras.layers.Layer):
    """y = sum_i p_i o_i with o_i = f_i(x), p = softmax_i(v^T tanh(W q + U k_i)).

        x --+-- expert 1 -- o_1 --+
            +-- expert 2 -- o_2 --+-- U --+
            |                     |       +-- tanh -- v^T -- softmax -- p --+-- sum -- y
            +-- (query) ------ W -|-------+                                 |
                                  +-----------------------------------------+

    The experts are layers of your own that all read the same input, and the gate is additive attention whose keys are
    their outputs (the gate sees what each one says), or learned vectors, one for each expert (it sees the query only,
    as in the paper of 1991).

    Args:
        experts: at least two layers whose outputs on the same input have the same shape.
        units: width of the gate's hidden layer.
        keys: "outputs" or "learned".

    Call arguments:
        inputs: what the experts read, (batch, ..., input_features).
        query: what the gate reads, (batch, ..., query_features), with the leading dimensions of the experts' outputs;
            `inputs` if None.
        mask: (batch, ...) booleans of `inputs`, which counts where they are the query, and `query_mask` of the query:
            where it is False nothing is read (zero output, zero weights). Keras fills both from hidden masks.
        expert_mask: booleans broadcastable to (batch, ..., experts), True = may be listened to.
        inputs_mask: what Keras fills in the place of `mask` where there is more than one tensor.
        return_attention_scores: also return p.

    Returns:
        (batch, ..., features); with `return_attention_scores` also weights (batch, ..., experts). Zeros where no expert
        may be listened to.

    Raises:
        ValueError: the experts' outputs differ in shape.

    Source: Jacobs, Jordan, Nowlan, Hinton 1991, "Adaptive Mixtures of Local Experts", section 1, with the score of
    Bahdanau et al. 2015, appendix A.1.2, as gating network.
    """

    def __init__(
        self,
        experts: Sequence[keras.layers.Layer],
        units: int = 64,
        keys: Literal["outputs", "learned"] = "outputs",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        expect(len(experts) >= 2, "experts", "at least two layers", len(experts))
        expect(units >= 1, "units", "at least 1", units)
        expect(keys in ("outputs", "learned"), "keys", "'outputs' or 'learned'", keys)
        self.experts = list(experts)
        self.units = units
        self.keys = keys
        self.supports_masking = True
        dense = {"units": units, "use_bias": False, "dtype": self.dtype_policy}
        self.project_query = keras.layers.Dense(**dense, name="query")
        if keys == "outputs":
            self.project_key = keras.layers.Dense(**dense, name="key")

    def build(self, inputs_shape: Any, query_shape: Any = None) -> None:
        for expert in self.experts:
            if not expert.built:
                expert.build(inputs_shape)
        output_shape = self._output_shape(inputs_shape)
        self.project_query.build(query_shape or inputs_shape)
        if self.keys == "outputs":
            self.project_key.build(output_shape)
        else:
            self.key = self.add_weight(shape=(len(self.experts), self.units), name="key")
        self.v = self.add_weight(shape=(self.units,), initializer="glorot_uniform", name="v")
        self.built = True

    def _output_shape(self, inputs_shape: Any) -> tuple:
        shapes = {tuple(expert.compute_output_shape(inputs_shape)) for expert in self.experts}
        if len(shapes) > 1:
            raise ValueError(
                f"`experts` must give outputs of one shape; for inputs {tuple(inputs_shape)} they came as "
                f"{sorted(map(str, shapes))}. Try a Dense layer at the end of each."
            )
        return shapes.pop()

    def call(
        self,
        inputs: Any,
        query: Any = None,
        mask: Any = None,
        query_mask: Any = None,
        expert_mask: Any = None,
        return_attention_scores: bool = False,
        inputs_mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        mask = inputs_mask if mask is None else mask
        output = ops.stack([expert(inputs) for expert in self.experts], axis=-2)  # (batch, ..., experts, features)
        key = self.project_key(output) if self.keys == "outputs" else self.key  # ([batch, ...,] experts, units)
        query, query_mask = (inputs, mask) if query is None else (query, query_mask)
        asked = ops.expand_dims(self.project_query(query), -2)  # (batch, ..., 1, units)
        score = ops.squeeze(ops.matmul(ops.tanh(asked + key), ops.expand_dims(self.v, -1)), -1)  # (batch, ..., experts)
        visible = masks.both(None if query_mask is None else ops.expand_dims(query_mask, -1), expert_mask)
        weight = weights.softmax(score, visible)
        mixed = ops.squeeze(ops.matmul(ops.expand_dims(weight, -2), output), -2)  # (batch, ..., features)
        return (mixed, weight) if return_attention_scores else mixed

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        same_rank = len(self._output_shape(inputs.shape)) == len(inputs.shape)
        return previous_mask if same_rank else None  # an expert that reads a sequence to its end leaves no mask

    def compute_output_spec(
        self, inputs: Any, query: Any = None, *_: Any, return_attention_scores: bool = False, **__: Any
    ) -> Any:
        shape = self._output_shape(inputs.shape)
        mixed = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return mixed
        return mixed, keras.KerasTensor((*shape[:-1], len(self.experts)), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        experts = [keras.saving.serialize_keras_object(expert) for expert in self.experts]
        return {**super().get_config(), "experts": experts, "units": self.units, "keys": self.keys}

    @classmethod
    def from_config(cls, config: dict) -> ExpertAttention:
        experts = [keras.saving.deserialize_keras_object(expert) for expert in config["experts"]]
        return cls(**{**config, "experts": experts})
