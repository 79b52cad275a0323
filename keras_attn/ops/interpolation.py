"""Images in another size."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def bilinear(images: Any, height: Any, width: Any) -> Any:
    """Bilinear interpolation to another size: each new pixel is a mean of the four around its center.

    Two products with narrow matrices, first rows, then columns. So it runs in every float type on every backend, also
    compiled and differentiated (TensorFlow's own kernel gives float32 only).

    Args:
        images: (batch, old_height, old_width, channels) floats.
        height, width: the new size, integers or scalar tensors.

    Returns:
        (batch, height, width, channels) in the dtype of `images`. Centers are matched (a pixel covers [i, i + 1]), and
        beyond the last center its value is kept, as in `tf.image.resize` and in PyTorch with `align_corners=False`.

    >>> import numpy as np
    >>> np.asarray(bilinear(np.array([[[[0.0], [4.0]]]], "float32"), 1, 4)).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    _, old_height, old_width, _ = ops.shape(images)
    rows = _tents(height, old_height, images.dtype)  # (height, old_height)
    columns = _tents(width, old_width, images.dtype)  # (width, old_width)
    tall = ops.einsum("yh,bhwc->bywc", rows, images)  # (batch, height, old_width, channels)
    return ops.einsum("xw,bywc->byxc", columns, tall)  # (batch, height, width, channels)


def _tents(new: Any, old: Any, dtype: Any) -> Any:
    """How much each of `new` positions takes of each of `old` ones, (new, old); rows sum to one."""
    # In integers: a new center lies at (2 i + 1) old / (2 new) - 1/2, and its distance from an old one is exact.
    target, source = ops.arange(new, dtype="int32"), ops.arange(old, dtype="int32")
    center = ops.minimum(ops.maximum((2 * target + 1) * old - new, 0), 2 * new * (old - 1))  # in steps of 1 / (2 new)
    steps = ops.abs(ops.expand_dims(center, 1) - 2 * new * source)  # (new, old)
    wide = keras.backend.result_type(dtype, "float32")
    return ops.cast(ops.relu(1 - ops.cast(steps, wide) / ops.cast(2 * new, wide)), dtype)
