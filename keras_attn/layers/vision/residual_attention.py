"""Residual attention: features strengthened where a soft mask says so, and never switched off."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.vision.image_layer import ImageLayer
from keras_attn.layers.vision.soft_mask_branch import SoftMaskBranch
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class ResidualAttention(ImageLayer):
    """H(x) = (1 + M(x)) * T(x), with M the soft mask branch and T(x) the trunk, any layers of the same size.

        x --+-- trunk ------------- T(x) --+
            |                              * -- H(x)
            +-- soft mask branch -- 1 + M -+

    The trunk is wired outside, so that it may be anything. The paper's module, p = 1, t = 2, r = 1:

        x = ResidualUnit()(x)
        x = ResidualAttention(depth=2)(x, trunk=ResidualUnit()(ResidualUnit()(x)))

    Args:
        depth, units, reduction: of the `SoftMaskBranch`.
        data_format: see `ImageLayer`.

    Call arguments:
        inputs: x, (batch, height, width, channels).
        trunk: T(x), of the same shape; x itself if None.
        return_attention_scores: also return the mask.
        training: passed to the normalizations.

    Returns:
        H(x) (batch, height, width, channels); with `return_attention_scores` also M(x), of the same shape.

    Source: Wang et al. 2017, "Residual Attention Network for Image Classification", eq. 3.
    """

    def __init__(
        self, depth: int = 2, units: int = 1, reduction: int = 4, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(data_format, **kwargs)
        self.mask = SoftMaskBranch(
            depth, units, reduction, data_format=self.data_format, dtype=self.dtype_policy, name="mask"
        )

    def build(self, inputs_shape: Any, trunk_shape: Any = None) -> None:
        self.mask.build(inputs_shape)
        self.built = True

    def call(
        self,
        inputs: Any,
        trunk: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        self.check(inputs)
        trunk = inputs if trunk is None else trunk
        names = ("batch", "height", "width", "channels")
        known = {name: size for name, size in zip(names, inputs.shape, strict=True) if size is not None}
        check(trunk, " ".join(names), "trunk", **known)
        mask = self.mask(inputs, training=training)
        output = (1 + mask) * trunk  # (batch, height, width, channels)
        return (output, mask) if return_attention_scores else output

    def scores_spec(self, inputs_shape: Any) -> Any:
        return self.symbol(*inputs_shape)

    def get_config(self) -> dict:
        mask = self.mask
        return {**super().get_config(), "depth": mask.depth, "units": mask.units, "reduction": mask.reduction}
