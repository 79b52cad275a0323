"""Where a token stands, as numbers. Positions are integers here: bfloat16 counts to 256, float16 to 2,048."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


def frequencies(width: int, wavelength: float = 10000.0) -> np.ndarray:
    """w_i = wavelength^(-2i / width), for i = 0, 1, ... while 2i < width."""
    return float(wavelength) ** (-np.arange(0, width, 2) / width)


def sine(position: Any, features: int, wavelength: float = 10000.0, dtype: str = "float32") -> Any:
    """PE(pos, 2i) = sin(pos / 10000^(2i / features)), PE(pos, 2i + 1) = cos(pos / 10000^(2i / features)).

    Args:
        position: (length,) integers.
        features: width of the result.
        wavelength: of the slowest wave, over 2 pi.

    Returns:
        (length, features).

    Source: Vaswani et al. 2017, section 3.5.

    >>> import numpy as np
    >>> np.round(np.asarray(sine(np.array([0, 1]), 4)), 4).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.8414999842643738, 0.5403000116348267, 0.009999999776482582, 1.0]]
    """
    angle = _angle(position, features, wavelength, dtype)  # (length, features / 2)
    waves = ops.stack([ops.sin(angle), ops.cos(angle)], axis=-1)
    return ops.reshape(waves, (ops.shape(waves)[0], 2 * waves.shape[1]))[:, :features]  # (length, features)


def rotate(x: Any, position: Any, wavelength: float = 10000.0) -> Any:
    """Turn each pair (x_2i, x_2i+1) by the angle pos / wavelength^(2i / head_dim).

    Then the dot product of a query at m and a key at n depends on m - n only.

    Args:
        x: (batch, length, heads, head_dim), head_dim even.
        position: (length,) integers.

    Source: Su et al. 2021, "RoFormer", eq. 34.

    >>> import numpy as np
    >>> np.round(np.asarray(rotate(np.array([[[[1.0, 0.0]]]]), np.array([1]))), 4).tolist()  # by one radian
    [[[[0.5403, 0.8415]]]]
    """
    batch, length, heads, width = ops.shape(x)
    wide = "float64" if keras.backend.standardize_dtype(x.dtype) == "float64" else "float32"
    angle = ops.expand_dims(_angle(position, width, wavelength, wide), 1)  # (length, 1, head_dim / 2)
    cos, sin = (ops.cast(wave(angle), x.dtype) for wave in (ops.cos, ops.sin))
    pairs = ops.reshape(x, (batch, length, heads, width // 2, 2))
    even, odd = pairs[..., 0], pairs[..., 1]  # (batch, length, heads, head_dim / 2)
    turned = ops.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1)
    return ops.reshape(turned, (batch, length, heads, width))


def _angle(position: Any, width: int, wavelength: float, dtype: str) -> Any:
    turns = ops.convert_to_tensor(frequencies(width, wavelength), dtype)
    return ops.expand_dims(ops.cast(position, dtype), 1) * turns  # (length, width / 2)


def distance(query_position: Any, key_position: Any, limit: int) -> Any:
    """clip(key_position - query_position, -limit, limit) + limit: which row of a table of 2 limit + 1 distances.

    Args:
        query_position: (query_length,) integers.
        key_position: (key_length,) integers.

    Returns:
        (query_length, key_length) integers.

    Source: Shaw et al. 2018, section 3.2.

    >>> import numpy as np
    >>> np.asarray(distance(np.array([0, 3]), np.arange(4), limit=2)).tolist()
    [[2, 3, 4, 4], [0, 0, 1, 2]]
    """
    apart = ops.expand_dims(key_position, 0) - ops.expand_dims(query_position, 1)
    return ops.clip(apart, -limit, limit) + limit
