"""What every model promises, in the order in which it is checked."""

from __future__ import annotations

from keras_attn.testing.model_promises import (
    encoder_masks,
    future,
    jit,
    keras_file,
    learning,
    masked_rows,
    no_leak,
    padding,
    precision,
    saved_model,
    seed,
    shapes,
    sizes,
    steps,
    weights,
)
from keras_attn.testing.promise import Promise

MODEL_PROMISES = (
    Promise("shapes", "symbolic and eager shapes and dtypes of the three views agree", shapes.look),
    Promise("weights", "not negative, one in sum over the words of the source, zero on padding", weights.look),
    Promise("padding", "neither more of it nor other sentences change anything", padding.look),
    Promise("future", "a later token changes nothing earlier", future.look),
    Promise("steps", "step by step gives what training gives", steps.look),
    Promise("encoder masks", "the memory knows its padding, and it is not read", encoder_masks.look),
    Promise("masked rows", "an empty source gives no NaN and no weights", masked_rows.look),
    Promise("learning", "every weight receives a gradient, and of the words those of the source", learning.look),
    Promise("no leak", "no gradient reaches padding in the memory", no_leak.look),
    Promise("precision", "mixed precision is finite and near float32", precision.look),
    Promise("seed", "the same seed gives the same numbers", seed.look),
    Promise("keras file", "loaded .keras files give the same numbers", keras_file.look),
    Promise("jit", "compiled by XLA it gives the same numbers", jit.look),
    Promise("sizes", "one model for every batch and length", sizes.look),
    Promise("saved model", "a loaded SavedModel gives the same numbers", saved_model.look),
)
