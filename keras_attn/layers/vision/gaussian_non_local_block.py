"""The non-local block that compares pixels as they are."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.vision.non_local_block import NonLocalBlock


@keras.saving.register_keras_serializable("keras_attn")
class GaussianNonLocalBlock(NonLocalBlock):
    """a_i = softmax_j(x_i^T x_j): the Gaussian, without theta and phi; the rest is `NonLocalBlock`.

    Without a scale or an embedding, a pixel with many large channels looks at little but itself.

    Source: Wang et al. 2018, "Non-local Neural Networks", eq. 2.
    """

    def build_pair(self, units: int, channels: int) -> None:
        """There is nothing to learn."""

    def pair(self, inputs: Any) -> tuple[Any, Any]:
        return inputs, inputs
