"""Several models that decide together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import expect, one_of


class Ensemble:
    """The mean of several models' next-word distributions, as one model's encoder and step.

        "probabilities"         p(y) = 1/M sum_m p_m(y)
        "log_probabilities"     log p(y) = 1/M sum_m log p_m(y) + constant

    It stands where the views of one model do, in a search and in an export. Memory and state are lists of the models'
    own. Logits are log p but for a constant; the score is log p of the ensemble.

    Args:
        members: `models.Views`, or anything with an `encoder` and a `step`, over the same vocabularies.
        mean: of what.

    >>> from keras_attn import models
    >>> sizes = models.RNNEncoder(units=4), models.RNNDecoder(units=4), 11, 13
    >>> both = Ensemble([models.seq2seq(*sizes), models.seq2seq(*sizes)])
    >>> encoded = both.encoder(ops.ones((2, 3), dtype="int32"))
    >>> from keras_attn.decoding import Beam
    >>> len(Beam(2)(both.step, encoded["memory"], encoded["state"], 5).score)
    2
    """

    def __init__(
        self, members: Sequence[Any], mean: Literal["probabilities", "log_probabilities"] = "probabilities"
    ) -> None:
        expect(len(members) >= 1, "members", "at least one model", list(members))
        one_of("mean", mean, ("probabilities", "log_probabilities"))
        self.encoder = _Encoders([member.encoder for member in members])
        self.step = _Steps([member.step for member in members], mean)


class _Encoders(keras.layers.Layer):
    """source -> {"memory", "state"}, lists of what each encoder gives."""

    def __init__(self, encoders: list[Any]) -> None:
        super().__init__(name="encoders", autocast=False)
        self.encoders = encoders

    def call(self, source: Any, training: bool = False) -> dict[str, Any]:
        encoded = [encoder(source, training=training) for encoder in self.encoders]
        return {name: [each[name] for each in encoded] for name in ("memory", "state")}


class _Steps(keras.layers.Layer):
    """A step of each, and the mean of what they say."""

    def __init__(self, steps: list[Any], mean: str) -> None:
        super().__init__(name="steps", autocast=False)
        self.steps, self.mean = steps, mean
        self.shares_memory = all(getattr(step, "shares_memory", False) for step in steps)

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        memories, states = inputs["memory"], inputs["state"]
        asked = {name: inputs[name] for name in ("tokens", "position")}
        outs = [
            step({**asked, "memory": memory, "state": state}, training=training)
            for step, memory, state in zip(self.steps, memories, states, strict=True)
        ]
        words = sorted({out["logits"].shape[-1] for out in outs})
        expect(len(words) == 1, "members", "models over one vocabulary", words)
        log_p = ops.stack([ops.log_softmax(ops.cast(out["logits"], "float32"), axis=-1) for out in outs])
        mean = ops.logsumexp if self.mean == "probabilities" else ops.mean
        logits = mean(log_p, axis=0)  # (batch, n, vocabulary)
        weights = {f"{index}/{name}": leaf for index, out in enumerate(outs) for name, leaf in out["weights"].items()}
        return {"logits": logits, "state": [out["state"] for out in outs], "weights": weights}
