"""What the layers on images have in common: which axis is which, and what comes out."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.errors import expect
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class ImageLayer(keras.layers.Layer):
    """(batch, height, width, channels) -> the same shape, and on request what the image was weighed by.

    A subclass builds on `channels_of(shape)`, calls `check(inputs)` first, and describes in `scores_spec` what
    `return_attention_scores` adds to the output. Height and width may be unknown, and others at every call.

    Args:
        data_format: "channels_last", or None for `keras.config.image_data_format()`, which must be that.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format or keras.config.image_data_format()
        expect(
            self.data_format == "channels_last",
            "data_format",
            '"channels_last", images (batch, height, width, channels); for others put keras.layers.Permute((2, 3, 1)) '
            'before, Permute((3, 1, 2)) after, and say data_format="channels_last"',
            self.data_format,
        )

    def channels_of(self, inputs_shape: Any) -> int:
        """The number of channels, or the error that says what an image is."""
        expect(
            len(inputs_shape) == 4 and inputs_shape[-1] is not None,
            "inputs",
            "shape (batch, height, width, channels) with a known number of channels; a single image needs [None]",
            tuple(inputs_shape),
        )
        return inputs_shape[-1]

    def check(self, inputs: Any) -> None:
        """Raise unless `inputs` are images."""
        check(inputs, "batch height width channels", "inputs")

    def scores_spec(self, inputs_shape: Any) -> Any:
        """Symbols of what is returned beside the image, made with `symbol`."""
        raise NotImplementedError(f"{type(self).__name__} has no attention scores to return.")

    def symbol(self, *shape: int | None) -> keras.KerasTensor:
        """A symbol of that shape in the dtype that comes out."""
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_spec(self, inputs: Any, *others: Any, return_attention_scores: bool = False, **more: Any) -> Any:
        output = self.symbol(*inputs.shape)
        return (output, self.scores_spec(inputs.shape)) if return_attention_scores else output

    def get_config(self) -> dict:
        return {**super().get_config(), "data_format": self.data_format}
