"""`align` reads the layer, head and shift that it was told, and no one's padding."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import fill

from keras_attn.alignment import Look
from keras_attn.errors import UserError
from keras_attn.export import TextToText
from keras_attn.models import TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.text import Tokenizer

SIZES = {"layers": 2, "width": 9, "heads": 3, "feed_forward": 7}
LINES = ["a man rides a horse", "", "two"]  # limits, and so lengths, are their own


@pytest.fixture(scope="module")
def align():
    pairs = [("a man rides a horse", "ein Mann"), ("two women", "zwei Frauen essen ein Pferd")]
    text = Tokenizer.train(pairs, vocabulary_size=300, model="bpe")
    views = seq2seq(TransformerEncoder(**SIZES), TransformerDecoder(**SIZES), 300, 300)
    fill(views.training.weights, 1)

    def align(look):
        found = TextToText(views, text, look=look, length_factor=0.7, length_extra=1).align(LINES)
        return [one.weights for one in found]

    return align


def test_without_a_look_it_is_the_mean_of_the_last_layer(align):
    for default, mean in zip(align(None), align(Look("decoder_1")), strict=True):
        np.testing.assert_allclose(default, mean, atol=1e-6)


def test_heads_are_told_apart_and_steps_are_shifted(align):
    mean, *heads = (align(Look("decoder_0", head)) for head in (None, 0, 1, 2))
    shifted = align(Look("decoder_0", 2, 1))
    lengths = {len(one) for one in mean}
    assert len(lengths) == 3
    assert min(lengths) == 0
    for whole, first, second, third, later in zip(mean, *heads, shifted, strict=True):
        np.testing.assert_allclose(whole, (first + second + third) / 3, atol=1e-6)
        if len(whole):
            assert np.abs(first - third).max() > 1e-3
            np.testing.assert_allclose(later[:-1], third[1:], atol=1e-6)
            np.testing.assert_allclose(later[-1], third[-1], atol=1e-6)


def test_what_the_model_has_not_is_named(align):
    with pytest.raises(UserError, match=r"look.layer: expected one of 'decoder_0', 'decoder_1', got 'decoder_7'"):
        align(Look("decoder_7"))
    with pytest.raises(UserError, match=r"look.head: expected None or 0 to 2, got 3"):
        align(Look("decoder_1", 3))
