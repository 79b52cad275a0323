"""Each layer on images beside loops over pixels and channels, written from its paper's equations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from catalogue import numpy, same
from rows.vision import fill_images

from keras_attn.layers import (
    CBAM,
    ChannelAttention,
    ConcatenationNonLocalBlock,
    DotProductNonLocalBlock,
    EfficientChannelAttention,
    GaussianNonLocalBlock,
    NonLocalBlock,
    ResidualAttention,
    ResidualUnit,
    SoftMaskBranch,
    SpatialAttention,
    SqueezeExcitation,
)

precisions = pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])


def images(*shape):
    """Noise around a level of each channel's own."""
    random = np.random.default_rng(1)
    return random.normal(size=shape) + random.normal(size=(shape[0], 1, 1, shape[3]))


def filled(layer, x):
    """Built, with weights that are not small."""
    layer(x)
    fill_images(layer.weights)
    return layer


def kernel(layer):
    return numpy(layer.kernel).astype("float64")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def squeeze(x, which):
    """One number for each image and channel, by a loop over its pixels."""
    batch, height, width, channels = x.shape
    z = np.zeros((batch, channels))
    for b in range(batch):
        for c in range(channels):
            pixels = [x[b, i, j, c] for i in range(height) for j in range(width)]
            z[b, c] = max(pixels) if which == "max" else sum(pixels) / (height * width)
    return z


def convolve(x, weights, bias=0.0):
    """Cross-correlation with zeros around the image: x (batch, height, width, f), weights (side, side, f, u)."""
    batch, height, width, _ = x.shape
    side, middle = weights.shape[0], weights.shape[0] // 2
    y = np.zeros((batch, height, width, weights.shape[3])) + bias
    for i in range(height):
        for j in range(width):
            for k in range(side):
                for m in range(side):
                    if 0 <= i + k - middle < height and 0 <= j + m - middle < width:
                        y[:, i, j] += x[:, i + k - middle, j + m - middle] @ weights[k, m]
    return y


@precisions
def test_squeeze_excitation(dtype, tolerance):
    x = images(2, 11, 13, 17)
    layer = filled(SqueezeExcitation(reduction=3, dtype=dtype), x)
    s = sigmoid(relu(squeeze(x, "mean") @ kernel(layer.w_1)) @ kernel(layer.w_2))  # eq. 2, 3
    assert kernel(layer.w_1).shape == (17, 5)
    found = numpy(layer(x, return_attention_scores=True))
    same(found, (x * s[:, None, None], s[:, None, None]), tolerance)  # eq. 4
    assert np.ptp(s, 1).min() > 0.05


@precisions
@pytest.mark.parametrize("size", [None, 5])
def test_efficient_channel_attention(dtype, tolerance, size):
    x = images(2, 11, 13, 17)
    layer = filled(EfficientChannelAttention(kernel_size=size, dtype=dtype), x)
    k = kernel(layer.convolution).ravel()
    assert len(k) == (size or 3)
    z, s = squeeze(x, "mean"), np.zeros((2, 17))
    for c in range(17):  # channel c is weighed by its k neighbors, each channel by the same k weights
        for j in range(len(k)):
            if 0 <= c + j - len(k) // 2 < 17:
                s[:, c] += k[j] * z[:, c + j - len(k) // 2]
    s = sigmoid(s)[:, None, None]
    same(numpy(layer(x, return_attention_scores=True)), (x * s, s), tolerance)


def channel_gates(layer, x):
    """CBAM, eq. 2."""
    w_0, w_1 = kernel(layer.w_0), kernel(layer.w_1)
    return sigmoid(sum(relu(squeeze(x, which) @ w_0) @ w_1 for which in ("mean", "max")))[:, None, None]


def spatial_gates(layer, x):
    """CBAM, eq. 3."""
    both = np.zeros((*x.shape[:3], 2))
    for b, i, j in np.ndindex(x.shape[:3]):
        both[b, i, j] = sum(x[b, i, j]) / x.shape[3], max(x[b, i, j])
    return sigmoid(convolve(both, kernel(layer.convolution)))


@precisions
def test_channel_attention(dtype, tolerance):
    x = images(2, 11, 13, 17)
    layer = filled(ChannelAttention(reduction=3, dtype=dtype), x)
    gates = channel_gates(layer, x)
    same(numpy(layer(x, return_attention_scores=True)), (x * gates, gates), tolerance)


@precisions
@pytest.mark.parametrize("size", [7, 3])
def test_spatial_attention(dtype, tolerance, size):
    x = images(2, 11, 13, 17)
    layer = filled(SpatialAttention(size, dtype=dtype), x)
    gates = spatial_gates(layer, x)
    same(numpy(layer(x, return_attention_scores=True)), (x * gates, gates), tolerance)
    assert np.ptp(gates) > 0.2


@precisions
def test_cbam_is_channel_then_spatial(dtype, tolerance):
    x = images(2, 11, 13, 17)
    layer = filled(CBAM(reduction=3, dtype=dtype), x)
    channel = channel_gates(layer.channel, x)
    spatial = spatial_gates(layer.spatial, x * channel)  # eq. 1
    wanted = (x * channel * spatial, {"channel": channel, "spatial": spatial})
    same(numpy(layer(x, return_attention_scores=True)), wanted, tolerance)


def normalize(norm, x):
    """Batch normalization by running mean and variance."""
    mean, variance, gamma, beta = (
        numpy(w).astype("float64") for w in (norm.moving_mean, norm.moving_variance, norm.gamma, norm.beta)
    )
    return (x - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta


def residual(unit, x):
    hidden = x
    for norm, convolution in zip(unit.norms, unit.convolutions, strict=True):
        hidden = convolve(relu(normalize(norm, hidden)), kernel(convolution))
    return x + hidden


def halved(x):
    """The maximum of each second 3x3 neighborhood; of an even size, of the 3x3 that start at each second pixel."""
    batch, height, width, channels = x.shape
    y = np.zeros((batch, (height + 1) // 2, (width + 1) // 2, channels))
    for i, j in np.ndindex(y.shape[1:3]):
        top, left = 2 * i - height % 2, 2 * j - width % 2
        y[:, i, j] = x[:, max(top, 0) : top + 3, max(left, 0) : left + 3].max((1, 2))
    return y


def stretched(x, height, width):
    """Bilinear interpolation, pixel by pixel: four neighbors of the point that a new center falls on."""
    y = np.zeros((x.shape[0], height, width, x.shape[3]))
    for i, j in np.ndindex(height, width):
        row = min(max((i + 0.5) * x.shape[1] / height - 0.5, 0), x.shape[1] - 1)
        column = min(max((j + 0.5) * x.shape[2] / width - 0.5, 0), x.shape[2] - 1)
        top, left = int(row), int(column)
        down, right = min(top + 1, x.shape[1] - 1), min(left + 1, x.shape[2] - 1)
        a, b = row - top, column - left
        upper = (1 - b) * x[:, top, left] + b * x[:, top, right]
        lower = (1 - b) * x[:, down, left] + b * x[:, down, right]
        y[:, i, j] = (1 - a) * upper + a * lower
    return y


def soft_mask(layer, x):
    """Section 3.2, for depth 2 with one unit each."""
    half = residual(layer.down[0], halved(x))
    quarter = residual(layer.down[1], halved(half))
    up = stretched(residual(layer.up[1], quarter), *half.shape[1:3]) + residual(layer.skip[0], half)
    up = stretched(residual(layer.up[0], up), *x.shape[1:3])
    for norm, convolution in zip(layer.norms, layer.convolutions, strict=True):
        up = convolve(relu(normalize(norm, up)), kernel(convolution), numpy(convolution.bias))
    return sigmoid(up)


@precisions
def test_residual_unit(dtype, tolerance):
    x = images(2, 7, 5, 12)
    layer = filled(ResidualUnit(dtype=dtype), x)
    assert [kernel(convolution).shape for convolution in layer.convolutions] == [
        (1, 1, 12, 3),
        (3, 3, 3, 3),
        (1, 1, 3, 12),
    ]
    same(numpy(layer(x)), residual(layer, x), tolerance)


@precisions
@pytest.mark.parametrize("size", [(7, 6), (11, 3)])
def test_soft_mask_branch(dtype, tolerance, size):
    x = images(2, *size, 6)
    layer = filled(SoftMaskBranch(depth=2, reduction=2, dtype=dtype), x)
    wanted = soft_mask(layer, x)
    assert np.ptp(wanted) > 0.2
    same(numpy(layer(x)), wanted, tolerance)


@precisions
def test_residual_attention(dtype, tolerance):
    x, trunk = images(2, 7, 6, 6), 3 * images(4, 7, 6, 6)[2:]
    layer = filled(ResidualAttention(depth=2, reduction=2, dtype=dtype), x)
    mask = soft_mask(layer.mask, x)
    same(numpy(layer(x, trunk=trunk, return_attention_scores=True)), ((1 + mask) * trunk, mask), tolerance)  # eq. 3
    same(numpy(layer(x)), (1 + mask) * x, tolerance)


def non_local(layer, x):
    """Eq. 1 and 6, pair by pair, with f of eq. 2 to 5."""
    name = type(layer).__name__
    w_z, g = kernel(layer.w_z), kernel(layer.g)
    theta, phi = (np.eye(x.shape[3]),) * 2
    if name != "GaussianNonLocalBlock":
        theta, phi = kernel(layer.theta), kernel(layer.phi)
    z, all_weights = np.zeros_like(x), []
    for b, image in enumerate(x):
        keys, values = image @ phi, image @ g
        if layer.subsample:
            rows, columns = range(0, image.shape[0], 2), range(0, image.shape[1], 2)
            keys, values = (
                np.array([[of[i : i + 2, j : j + 2].max((0, 1)) for j in columns] for i in rows])
                for of in (keys, values)
            )
        keys, values = keys.reshape(-1, keys.shape[-1]), values.reshape(-1, values.shape[-1])
        for i, j in np.ndindex(x.shape[1:3]):
            query = image[i, j] @ theta
            if name == "ConcatenationNonLocalBlock":
                w_f = numpy(layer.w_f)[:, 0]
                f = np.array([max(np.concatenate([query, key]) @ w_f, 0) for key in keys])
            else:
                f = np.array([query @ key for key in keys])
            if name in ("NonLocalBlock", "GaussianNonLocalBlock"):
                f = np.exp(f - f.max())
                weights = f / sum(f)
            else:
                weights = f / len(keys)
            y = sum(weight * value for weight, value in zip(weights, values, strict=True))
            z[b, i, j] = y @ w_z + image[i, j]
            all_weights.append(weights)
    return z, np.array(all_weights).reshape(len(x), -1, len(keys))


@precisions
@pytest.mark.parametrize("subsample", [False, True])
@pytest.mark.parametrize(
    "block", [NonLocalBlock, GaussianNonLocalBlock, DotProductNonLocalBlock, ConcatenationNonLocalBlock]
)
def test_non_local_blocks(block, subsample, dtype, tolerance):
    x = images(2, 5, 7, 6)
    layer = filled(block(subsample=subsample, dtype=dtype), x)
    wanted = non_local(layer, x)
    assert np.median(np.ptp(wanted[1], -1)) > 0.003  # the mean weight is 0.03 or 0.08
    assert wanted[1].shape == (2, 35, 12 if subsample else 35)
    same(numpy(layer(x, return_attention_scores=True)), wanted, tolerance)


def test_units_of_a_non_local_block_are_half_the_channels():
    x = images(1, 3, 5, 11)
    assert kernel(filled(NonLocalBlock(), x).theta).shape == (11, 5)
    assert kernel(filled(NonLocalBlock(units=7), x).g).shape == (11, 7)
    assert keras.backend.backend() == "tensorflow"  # float64 stays float64
