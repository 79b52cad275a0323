"""The encoder of a Transformer: every word looks at all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_attn.layers import EncoderBlock, MaskedMean
from keras_attn.models.encoding import Encoding
from keras_attn.models.transformer import TransformerSizes


@dataclass(frozen=True)
class TransformerEncoder(TransformerSizes):
    """h = block_N(... block_1(sqrt(d) e(x) + positions)).

    With a recurrent decoder, whose first state is made of what was read last, the mean of h takes that place.

    Source: Vaswani et al. 2017, section 3.1.
    """

    side = "encoder"

    def wire(self, source: Any, embed: keras.layers.Layer) -> Encoding:
        """Read source ids (batch, source_length), padding 0, with layers made here."""
        mask = ops.not_equal(source, 0)  # (batch, source_length)
        x = self.entrance()(embed(source), 0)  # (batch, source_length, width)
        for index in range(self.layers):
            block = EncoderBlock(
                self.make_self_attention(causal=False),
                self.make_feed_forward(),
                self.norm,
                self.dropout,
                name=f"encoder_{index}",
            )
            x = block(x, mask=mask)
        norm = self.exit()
        x = x if norm is None else norm(x)
        # A copy sheds Keras' hidden mask: the explicit one stands beside it, and two could disagree.
        return Encoding(ops.copy(x), mask, (MaskedMean(name="encoder_mean")(x, mask=mask),))
