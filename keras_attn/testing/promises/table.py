"""What every attention layer promises, in the order in which it is checked."""

from __future__ import annotations

from keras_attn.testing.promise import Promise
from keras_attn.testing.promises import (
    causal,
    config,
    hidden_masks,
    jit,
    keras_file,
    key_order,
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

PROMISES = (
    Promise("shapes", "symbolic and eager shapes and dtypes agree", shapes.look),
    Promise("weights", "not negative, one in sum over what may be seen, zero elsewhere", weights.look),
    Promise("padding", "neither its content nor its length changes anything", padding.look),
    Promise("causal", "a later position changes nothing earlier", causal.look),
    Promise("key order", "keys in another order give the same context", key_order.look),
    Promise("masked rows", "who sees nothing reads zero, no NaN, in every float type", masked_rows.look),
    Promise("hidden masks", "say what explicit masks say", hidden_masks.look),
    Promise("steps", "in pieces as at once", steps.look),
    Promise("learning", "every weight receives a gradient", learning.look),
    Promise("no leak", "no gradient reaches what may not be seen", no_leak.look),
    Promise("precision", "every float type is finite and near float32", precision.look),
    Promise("seed", "the same seed gives the same numbers", seed.look),
    Promise("config", "every option is in it; the rebuilt layer is the same", config.look),
    Promise("keras file", "a loaded .keras file gives the same numbers", keras_file.look),
    Promise("jit", "compiled by XLA it gives the same numbers", jit.look),
    Promise("sizes", "one graph for every batch and length", sizes.look),
    Promise("saved model", "a loaded SavedModel gives the same numbers", saved_model.look),
)
