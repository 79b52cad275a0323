"""The recurrent encoder: annotations that know what stands before and after each word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.layers import Dropout
from keras_attn.models.encoding import Encoding

Cell = Literal["rnn", "lstm", "gru"]


@dataclass(frozen=True)
class RNNEncoder:
    """h_j = [forward h_j; backward h_j], stacked.

    Args:
        units: width of each direction's state.
        layers: how many recurrent layers are stacked.
        cell: "rnn" (Elman's simple cell), "lstm" or "gru".
        bidirectional: read in both directions and concatenate.
        embedding: width of the word vectors.
        dropout: share of embeddings and of each layer's outputs that is dropped in training, 0 to below 1.
        recurrent_dropout: the same for the recurrent state (one mask for all steps).

    Source: Bahdanau et al. 2015, section 3.2; Schuster and Paliwal 1997.
    """

    units: int = 256
    layers: int = 1
    cell: Cell = "gru"
    bidirectional: bool = True
    embedding: int = 256
    dropout: float = 0.2
    recurrent_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self, ("units", "layers", "embedding"), ("dropout", "recurrent_dropout"))

    def wire(self, source: Any, embed: keras.layers.Layer) -> Encoding:
        """Read source ids (batch, source_length), padding 0, with layers made here."""
        mask = ops.not_equal(source, 0)  # (batch, source_length)
        sequence = Dropout(self.dropout, name="source_dropout")(embed(source))
        finals: tuple[Any, ...] = ()
        for index in range(self.layers):
            sequence, finals = self._layer(index, sequence, mask)  # (batch, source_length, features)
            sequence = Dropout(self.dropout, name=f"encoder_dropout_{index}")(sequence)
        # A copy sheds Keras' hidden mask: the explicit one stands beside it, and two could disagree.
        return Encoding(ops.copy(sequence), mask, finals)

    def _layer(self, index: int, sequence: Any, mask: Any) -> tuple[Any, tuple]:
        layer = recurrent_layer(self.cell)(
            self.units,
            return_sequences=True,
            return_state=True,
            recurrent_dropout=self.recurrent_dropout,
            name=f"encoder_{index}",
        )
        if self.bidirectional:
            layer = keras.layers.Bidirectional(layer, name=f"encoder_{index}")
        output, *states = layer(sequence, mask=mask)
        directions = 2 if self.bidirectional else 1
        return output, tuple(states[:: len(states) // directions])  # an LSTM's carries are left out


def recurrent_layer(cell: str) -> type:
    """The Keras layer of a cell's name."""
    return {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]


def check_sizes(settings: Any, counts: tuple[str, ...], shares: tuple[str, ...]) -> None:
    """Check the fields that encoder and decoder have in common.

    Raises:
        UserError: a count below 1, a share outside of 0 to below 1, or an unknown cell.
    """
    for name in counts:
        expect(getattr(settings, name) >= 1, name, "at least 1", getattr(settings, name))
    for name in shares:
        expect(0 <= getattr(settings, name) < 1, name, "at least 0 and below 1", getattr(settings, name))
    expect(settings.cell in ("rnn", "lstm", "gru"), "cell", "'rnn', 'lstm' or 'gru'", settings.cell)
