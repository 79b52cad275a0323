"""What the suite finds in layers of Keras 3.15.1, as docs/testing.md says; when Keras mends it, the page changes."""

from __future__ import annotations

import keras
import pytest

from keras_attn.testing import check_attention

LAYERS = {
    "Attention": keras.layers.Attention,
    "AdditiveAttention": keras.layers.AdditiveAttention,
    "MultiHeadAttention": lambda: keras.layers.MultiHeadAttention(7, 11),
    "GroupQueryAttention": lambda: keras.layers.GroupQueryAttention(11, 6, 2),
}
# layer, promise -> words of what breaks it
FINDINGS = {
    ("Attention", "masked rows"): [
        "weights in float32, mask.0 all False",  # of queries that are masked, the context is zero and weights are not
        "weights in float32, mask.1 all False at index (1, 0, 0): expected 0, got 0.2",  # all keys alike
        "context in float32, mask.1 all False",
        "gradient of inputs.1 in float32, mask.1 all False",
        "in float16, loud, mask.1 all False at index (1, 2, 0): expected a finite number, got nan",
    ],
    ("AdditiveAttention", "masked rows"): [
        "weights in float32, mask.0 all False",
        "weights in float32, mask.1 all False at index (1, 0, 0): expected 0, got 0.2",
        "context in float32, mask.1 all False",
    ],
    ("MultiHeadAttention", "shapes"): [
        "symbolic shape of batch 7 query_length key_length in float32, known sizes: expected (2, 7, 3, 5), got "
        "(2, 7, 3, 3)",
    ],
    ("MultiHeadAttention", "masked rows"): [
        "context in float32, key_mask all False",  # the output's bias
        "weights in float32, query_mask all False",
        "gradient of value in float32, query_mask all False",
    ],
    ("MultiHeadAttention", "hidden masks"): ["batch query_length 31 with hidden masks at index (1, 2, 0)"],
    ("MultiHeadAttention", "config"): ["options missing from the configuration: expected [], got ['flash_attention']"],
    ("GroupQueryAttention", "shapes"): [
        "ValueError: The last dimension of `query_shape` and `value_shape` must be equal"
    ],
    ("GroupQueryAttention", "masked rows"): ["context in float32, key_mask all False"],
    ("GroupQueryAttention", "config"): ["options missing from the configuration: expected [], got ['flash_attention']"],
}
OTHERWISE = ["weights", "padding", "causal", "key order", "no leak", "learning", "seed"]


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_broken(name):
    promises = [promise for layer, promise in FINDINGS if layer == name]
    report = check_attention(LAYERS[name], only=promises, show=False, strict=False)
    assert {outcome.promise for outcome in report.broken} == set(promises)
    for promise in promises:
        found = [str(finding) for it in report.broken if it.promise == promise for finding in it.findings]
        for words in FINDINGS[name, promise]:
            assert any(words in line for line in found), (words, found)


@pytest.mark.parametrize("name", LAYERS)
def test_what_holds(name):
    report = check_attention(LAYERS[name], only=OTHERWISE, show=False)
    named = [promise.name for promise in report.promises]
    assert report.held == [it for it in named if (name, it) != ("Attention", "learning")]  # it has no weights
