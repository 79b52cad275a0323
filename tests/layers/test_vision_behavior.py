"""What holds of attention in convolutional nets, whatever its weights are."""

from __future__ import annotations

import math

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
    ImageGate,
    NonLocalBlock,
    ResidualAttention,
    ResidualUnit,
    SoftMaskBranch,
    SpatialAttention,
    SqueezeExcitation,
)
from keras_attn.layers.vision.efficient_channel_attention import adaptive_kernel_size

GATES = [SqueezeExcitation, EfficientChannelAttention, ChannelAttention, SpatialAttention]
NON_LOCAL = [NonLocalBlock, GaussianNonLocalBlock, DotProductNonLocalBlock, ConcatenationNonLocalBlock]
LAYERS = [*GATES, CBAM, ResidualUnit, SoftMaskBranch, ResidualAttention, *NON_LOCAL]


def images(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def filled(layer, x):
    layer(x)
    fill_images(layer.weights)
    return layer


def shuffled(x, seed=2):
    """The same pixels in another order."""
    batch, height, width, channels = x.shape
    order = np.random.default_rng(seed).permutation(height * width)
    return x.reshape(batch, -1, channels)[:, order].reshape(x.shape)


# Gates


@pytest.mark.parametrize("layer", GATES)
def test_gates_are_between_0_and_1_and_multiply(layer):
    x = images(2, 11, 13, 17)
    output, gates = numpy(filled(layer(), x)(x, return_attention_scores=True))
    assert gates.shape == ((2, 11, 13, 1) if layer is SpatialAttention else (2, 1, 1, 17))
    assert 0 < gates.min() < gates.max() < 1
    same(output, x * gates, 1e-6)


@pytest.mark.parametrize("layer", [SqueezeExcitation, EfficientChannelAttention, ChannelAttention])
def test_channel_attention_does_not_mind_where_a_pixel_is(layer):
    x = images(2, 11, 13, 17)
    layer = filled(layer(), x)
    same(numpy(layer(shuffled(x))), shuffled(numpy(layer(x))), 1e-5)


def test_spatial_attention_minds_where_a_pixel_is_but_not_the_order_of_channels():
    x = images(2, 11, 13, 17)
    layer = filled(SpatialAttention(), x)
    order = np.random.default_rng(3).permutation(17)
    same(numpy(layer(x[..., order])), numpy(layer(x))[..., order], 1e-5)
    assert np.abs(numpy(layer(shuffled(x))) - shuffled(numpy(layer(x)))).max() > 0.1


@pytest.mark.parametrize("size", [3, 5])
def test_efficient_channel_attention_mixes_neighbors_only(size):
    x = images(1, 11, 13, 17)
    layer = filled(EfficientChannelAttention(kernel_size=size), x)
    louder = x.copy()
    louder[..., 8] += 1
    before, after = (numpy(layer(of, return_attention_scores=True)[1]).ravel() for of in (x, louder))
    moved = np.flatnonzero(before != after)
    assert moved.tolist() == list(range(8 - size // 2, 8 + size // 2 + 1))


def test_spatial_attention_sees_three_pixels_far():
    x = images(1, 11, 13, 5)
    layer = filled(SpatialAttention(), x)
    louder = x.copy()
    louder[0, 5, 6] += 1
    before, after = (numpy(layer(of, return_attention_scores=True)[1])[0, ..., 0] for of in (x, louder))
    rows, columns = np.nonzero(before != after)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 8, 3, 9)


def test_a_gate_of_your_own_is_a_few_lines():
    class Brightest(ImageGate):
        gated = (1, 2)

        def gates(self, inputs):
            return keras.ops.cast(inputs[..., :1] > 0, inputs.dtype)

    x = images(2, 11, 13, 17)
    output, gates = numpy(Brightest()(x, return_attention_scores=True))
    same(output, x * (x[..., :1] > 0))
    symbol = Brightest()(keras.Input((None, None, 17)), return_attention_scores=True)[1]
    assert symbol.shape == (None, None, None, 1)
    assert gates.shape == (2, 11, 13, 1)


@pytest.mark.parametrize("layer", [SqueezeExcitation, EfficientChannelAttention, ChannelAttention, CBAM])
def test_the_mean_of_a_large_image_does_not_overflow_in_float16(layer):
    x = np.full((1, 131, 137, 8), 8.0, "float32")  # the sum is 143,576; float16 ends at 65,504
    wide = filled(layer(), x)
    narrow = filled(layer(dtype="mixed_float16"), x)
    same(numpy(narrow(x)).astype("float32"), numpy(wide(x)), 0.01)


# What the papers print


def listing(channels, gamma=2, b=1):
    """The kernel size in the listing of ECA's paper."""
    t = int(abs((math.log(channels, 2) + b) / gamma))
    return t if t % 2 else t + 1


def test_the_kernel_of_eca_grows_with_the_logarithm_of_the_channels():
    sizes = {channels: adaptive_kernel_size(channels) for channels in range(1, 5000)}
    assert sizes == {channels: listing(channels) for channels in sizes}
    assert [sizes[c] for c in (16, 64, 128, 256, 512, 1024, 2048)] == [3, 3, 5, 5, 5, 5, 7]
    assert adaptive_kernel_size(512, gamma=1, b=3) == 13
    assert filled(EfficientChannelAttention(), images(1, 2, 3, 128)).count_params() == 5


def test_the_weights_of_squeeze_excitation_are_those_the_paper_counts():
    layer = SqueezeExcitation(reduction=16)
    layer.build((None, None, None, 256))
    assert layer.count_params() == 2 * 256**2 // 16
    total = 0  # "SE-ResNet-50 introduces ~2.5 million additional parameters": blocks by channels
    for channels, blocks in {256: 3, 512: 4, 1024: 6, 2048: 3}.items():
        layer = SqueezeExcitation()
        layer.build((None, 7, 7, channels))
        total += blocks * layer.count_params()
    assert total == 2_514_944


def test_the_weights_of_cbam():
    layer = CBAM()
    layer.build((None, None, None, 256))
    assert layer.channel.count_params() == 2 * 256**2 // 16  # both poolings share one network
    assert layer.spatial.count_params() == 2 * 7 * 7


@pytest.mark.parametrize("layer", [SqueezeExcitation, ChannelAttention])
def test_few_channels_leave_one_between(layer):
    layer = layer(reduction=16)
    layer.build((None, None, None, 5))
    assert layer.count_params() == 2 * 5


# Non-local blocks


@pytest.mark.parametrize("block", NON_LOCAL)
@pytest.mark.parametrize("subsample", [False, True])
def test_a_new_non_local_block_is_the_identity(block, subsample):
    x = images(2, 11, 13, 17)
    same(numpy(block(subsample=subsample)(x)), x)


@pytest.mark.parametrize("block", NON_LOCAL)
def test_non_local_blocks_do_not_mind_where_a_pixel_is(block):
    x = images(2, 11, 13, 6)
    block = filled(block(), x)
    same(numpy(block(shuffled(x))), shuffled(numpy(block(x))), 1e-4)
    assert np.abs(numpy(block(x)) - x).max() > 0.1


@pytest.mark.parametrize("block", [NonLocalBlock, GaussianNonLocalBlock])
def test_weights_of_a_gaussian_sum_to_one(block):
    x = images(2, 11, 13, 17)
    weights = numpy(filled(block(subsample=True), x)(x, return_attention_scores=True)[1])
    assert weights.shape == (2, 143, 42)
    assert weights.min() > 0
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


def test_a_row_of_weights_is_a_picture_in_reading_order():
    x = np.zeros((1, 3, 5, 2), "float32")
    x[0, 2, 1] = 5  # the only pixel that is like itself
    weights = numpy(GaussianNonLocalBlock()(x, return_attention_scores=True)[1])
    picture = weights[0, 2 * 5 + 1].reshape(3, 5)
    assert np.argwhere(picture > 0.9).tolist() == [[2, 1]]
    np.testing.assert_allclose(weights[0, 0], 1 / 15, atol=1e-6)


# Residual attention


@pytest.mark.parametrize("size", [(11, 13), (7, 7), (1, 1), (2, 9), (8, 8)])
@pytest.mark.parametrize("depth", [1, 3])
def test_a_soft_mask_is_as_large_as_its_image(size, depth):
    x = images(2, *size, 4)
    mask = numpy(filled(SoftMaskBranch(depth), x)(x))
    assert mask.shape == x.shape
    assert 0 < mask.min() < mask.max() < 1


def test_residual_attention_strengthens_up_to_twice_and_never_switches_off():
    x, trunk = images(2, 11, 13, 4), images(2, 11, 13, 4, seed=5)
    layer = filled(ResidualAttention(), x)
    output, mask = numpy(layer(x, trunk=trunk, return_attention_scores=True))
    factor = output / trunk
    assert 1 <= factor.min() < factor.max() <= 2
    same(factor, 1 + mask, 1e-4)


def test_a_soft_mask_has_the_units_that_the_paper_counts():
    layer = SoftMaskBranch(depth=3, units=2)
    layer.build((None, None, None, 8))
    assert [len(layer.down), len(layer.up), len(layer.skip)] == [6, 6, 2]  # r of them at each size, both ways
    units = sum(isinstance(part, ResidualUnit) for part in layer._flatten_layers(recursive=False))
    assert units == 14  # Keras knows them all


def test_a_soft_mask_sees_far_through_its_lowest_size():
    x = images(1, 17, 19, 4)
    layer = filled(SoftMaskBranch(depth=3), x)
    louder = x.copy()
    louder[0, 0, 0] += 100
    moved = np.abs(numpy(layer(louder)) - numpy(layer(x))).max(-1)[0]
    assert moved[12, 12] > 1e-4  # three units of 3x3 at full size would reach no further than 3


@pytest.mark.parametrize("layer", [ResidualUnit, SoftMaskBranch, ResidualAttention])
def test_running_means_move_in_training_only(layer):
    x = images(2, 11, 13, 4)
    layer = layer()
    layer(x, training=False)
    means = [weight for weight in layer.non_trainable_weights if "moving_mean" in weight.path]
    assert means
    assert not any(numpy(mean).any() for mean in means)
    layer(x, training=True)
    assert all(numpy(mean).any() for mean in means)


# In a net


@pytest.mark.parametrize("jit", [False, True])
def test_they_train_in_a_functional_net_of_any_size(jit, tmp_path):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((None, None, 1))
    hidden = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    parts = [SqueezeExcitation(), EfficientChannelAttention(), CBAM(), ResidualAttention(1), NonLocalBlock()]
    for layer in parts:
        hidden = layer(hidden)
        assert hidden.shape == (None, None, None, 4)
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(hidden)))
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=jit)
    x = images(5, 7, 5, 1)
    losses = [model.train_on_batch(x, 3 + x.mean((1, 2))) for _ in range(5)]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    for size in [(7, 5), (11, 13), (1, 1)]:
        x = images(3, *size, 1)
        same(numpy(again(x)), numpy(model(x)))


# What can be wrong


@pytest.mark.parametrize("layer", LAYERS)
def test_channels_first_is_refused_and_the_way_around_works(layer):
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match=r"data_format: expected \"channels_last\".*Permute.*got 'channels_first'"):
            layer()
        x = images(2, 4, 11, 13)  # (batch, channels, height, width)
        ours = layer(data_format="channels_last")
        last = keras.layers.Permute((2, 3, 1))(x)
        assert keras.layers.Permute((3, 1, 2))(ours(last)).shape == (2, 4, 11, 13)
        again = layer.from_config(ours.get_config())
        again(last)
        again.set_weights(ours.get_weights())
        found = numpy(again(last))
    finally:
        keras.config.set_image_data_format(before)
    same(found, numpy(ours(last)))


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_no_image_is_refused(layer):
    with pytest.raises(
        ValueError, match=r"inputs: expected shape \(batch, height, width, channels\).*got \(11, 13, 17\)"
    ):
        layer()(images(11, 13, 17))
    with pytest.raises(ValueError, match="known number of channels"):
        layer()(keras.Input((11, 13, None)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SqueezeExcitation(reduction=0), "reduction: expected at least 1, got 0"),
        (lambda: ChannelAttention(reduction=0), "reduction: expected at least 1, got 0"),
        (lambda: ResidualUnit(reduction=0), "reduction: expected at least 1, got 0"),
        (lambda: EfficientChannelAttention(kernel_size=4), "kernel_size: expected an odd number or None, got 4"),
        (lambda: EfficientChannelAttention(gamma=0), "gamma: expected above 0, got 0"),
        (lambda: SpatialAttention(kernel_size=2), "kernel_size: expected an odd number, got 2"),
        (lambda: SoftMaskBranch(depth=0), "depth: expected at least 1, got 0"),
        (lambda: SoftMaskBranch(units=0), "units: expected at least 1, got 0"),
        (lambda: NonLocalBlock(units=0), "units: expected at least 1, or None"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_trunk_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"`trunk` must have shape .*height=11.*it came with shape \(2, 1, 13, 4\)"):
        ResidualAttention(depth=1)(images(2, 11, 13, 4), trunk=images(2, 1, 13, 4))
