"""Layers on images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

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
from keras_attn.testing.specimen import Spec, Specimen


@dataclass(frozen=True)
class ImageSpecimen(Specimen):
    """A specimen whose convolutions keep sums of the order of 1, and whose running variances are positive."""

    def layer(self) -> keras.layers.Layer:
        layer = self.make()
        self.call(layer, self.arrays())
        fill_images(layer.weights)
        return layer


def fill_images(weights: list[Any], seed: int = 0) -> None:
    """Give every weight, biases too, a value that matters."""
    random = np.random.default_rng(seed)
    for weight in weights:
        if "variance" in weight.path or "gamma" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        else:
            inputs = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 4
            weight.assign(random.normal(scale=1 / np.sqrt(inputs), size=weight.shape))


IMAGE = Spec("batch height width channels")
CHANNEL, SPATIAL = Spec("batch one one channels"), Spec("batch height width one")
SCORES = {"return_attention_scores": True}
NOTHING: frozenset[str] = frozenset()
DISTRIBUTION = frozenset({"sums to one", "positive", "more than context"})


def row(name: str, make: Any, scores: Any = None, claims: frozenset[str] = NOTHING, **more: Any) -> ImageSpecimen:
    """A layer of one image, with what it returns beside it if `scores` says."""
    arguments = {"inputs": IMAGE, **more}
    if scores is None:
        return ImageSpecimen(name, make, arguments, IMAGE, claims=claims)
    return ImageSpecimen(name, make, arguments, (IMAGE, scores), SCORES, claims=claims)


ROWS = [
    row("squeeze-excitation", lambda: SqueezeExcitation(reduction=3)),
    row("squeeze-excitation-bias", lambda: SqueezeExcitation(reduction=3, use_bias=True), CHANNEL),
    row("efficient-channel", EfficientChannelAttention),
    row("efficient-channel-5", lambda: EfficientChannelAttention(kernel_size=5), CHANNEL),
    row("channel-attention", lambda: ChannelAttention(reduction=3)),
    row("channel-attention-bias", lambda: ChannelAttention(reduction=3, use_bias=True), CHANNEL),
    row("spatial-attention", SpatialAttention),
    row("spatial-attention-bias", lambda: SpatialAttention(kernel_size=3, use_bias=True), SPATIAL),
    row("cbam", lambda: CBAM(reduction=3)),
    row("cbam-gates", lambda: CBAM(reduction=3, kernel_size=5), {"channel": CHANNEL, "spatial": SPATIAL}),
    row("residual-unit", ResidualUnit),
    row("soft-mask-branch", lambda: SoftMaskBranch(depth=1, reduction=2)),
    row("soft-mask-branch-2-2", lambda: SoftMaskBranch(depth=2, units=2, reduction=2)),
    row("residual-attention", lambda: ResidualAttention(depth=1, reduction=2)),
    row("residual-attention-trunk", lambda: ResidualAttention(depth=1, reduction=2), IMAGE, trunk=IMAGE),
    row("non-local", NonLocalBlock, claims=DISTRIBUTION),
    row("non-local-weights", NonLocalBlock, Spec("batch pixels pixels", "weights"), DISTRIBUTION),
    row(
        "non-local-subsample",
        lambda: NonLocalBlock(units=7, subsample=True),
        Spec("batch pixels quarter", "weights"),
        DISTRIBUTION,
    ),
    row(
        "non-local-gaussian",
        lambda: GaussianNonLocalBlock(subsample=True),
        Spec("batch pixels quarter", "weights"),
        DISTRIBUTION,
    ),
    row("non-local-dot-product", DotProductNonLocalBlock, Spec("batch pixels pixels")),
    row("non-local-concatenation", lambda: ConcatenationNonLocalBlock(subsample=True), Spec("batch pixels quarter")),
]
