"""Luong's name for a scoring over query and key side by side."""

from __future__ import annotations

import keras

from keras_attn.layers.scoring.additive import AdditiveScoring


@keras.saving.register_keras_serializable("keras_attn")
class ConcatScoring(AdditiveScoring):
    """e_qk = v^T tanh(W [h_q; h_k]).

    One matrix over two vectors side by side is one matrix for each and a sum, so this is `AdditiveScoring` letter by
    letter: W = [W U]. What sets Luong's decoder apart is the query, which is the current state and not the previous
    one (`LuongCell`).

    Arguments, call arguments and result are those of `AdditiveScoring`.

    Source: Luong, Pham, Manning 2015, "Effective Approaches to Attention-based Neural Machine Translation",
    section 3.1, "concat".
    """
