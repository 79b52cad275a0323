"""Side by side, and nothing else."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.fusion.fusion import Fusion


@keras.saving.register_keras_serializable("keras_attn")
class ConcatFusion(Fusion):
    """[x; c]: the cell's own matrices mix them.

    Call arguments are those of `Fusion`. Returns (batch, features + context_features).

    Source: Bahdanau et al. 2015, appendix A.2.2: W E y + C c is one matrix over both side by side.
    """

    def width(self, features: int, context_features: int) -> int:
        return features + context_features

    def call(self, vector: Any, context: Any) -> Any:
        return self.joined(vector, context)
