"""What a decoder needs of attention with heads: a memory made once, and a cache that grows token by token."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same
from keras import ops

from keras_attn.layers import (
    ALiBi,
    GroupedQueryAttention,
    MultiHeadAttention,
    MultiQueryAttention,
    RelativePositions,
    RotaryPositions,
    SlidingWindowAttention,
    T5Bias,
)

CLOSE = 2e-6
MAKE = {
    "multi-head": lambda: MultiHeadAttention(7, 3, value_dim=5),
    "grouped-query": lambda: GroupedQueryAttention(6, 2, 3, value_dim=5),
    "multi-query": lambda: MultiQueryAttention(7, 3, value_dim=5),
    "rotary": lambda: MultiHeadAttention(7, 4, position=RotaryPositions()),
    "relative": lambda: MultiHeadAttention(7, 3, position=RelativePositions(2)),
    "t5-bias": lambda: MultiHeadAttention(7, 3, position=T5Bias(4, 5, bidirectional=False)),
    "alibi": lambda: MultiHeadAttention(7, 3, position=ALiBi()),
    "sliding-window": lambda: SlidingWindowAttention(7, 3, window=2, value_dim=5),
    "sliding-window-rotary": lambda: SlidingWindowAttention(7, 4, window=3, position=RotaryPositions()),
    "sliding-window-relative": lambda: SlidingWindowAttention(7, 4, window=3, position=RelativePositions(2)),
}
kinds = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
cuts = pytest.mark.parametrize("cuts", [(1,) * 11, (4, 1, 1, 1, 1, 1, 1, 1), (11,), (3, 5, 3)], ids=str)
X = np.random.default_rng(0).normal(size=(2, 11, 13)).astype("float32")


def built(make, width=13):
    layer = make()
    layer.build((None, None, width), (None, None, width))
    fill(layer.weights)
    return layer


def in_pieces(step, cache, cuts):
    """Outputs and weights of consecutive steps, side by side."""
    outputs, weights, start = [], [], 0
    for length in cuts:
        (output, weight), cache = step(ops.convert_to_tensor(X[:, start : start + length]), start, cache)
        outputs.append(numpy(output))
        weights.append(numpy(weight))
        start += length
    return (np.concatenate(outputs, 1), np.concatenate(weights, 2)), cache


@cuts
@kinds
def test_in_pieces_as_at_once(make, cuts):
    layer = built(make)
    whole = numpy(layer(X, X, use_causal_mask=True, return_attention_scores=True))
    found, cache = in_pieces(lambda *given: layer.step(*given, return_attention_scores=True), layer.start(2, 11), cuts)
    same(found, whole, CLOSE)
    memory = layer.project_memory(X)
    same(numpy(cache), numpy(memory), CLOSE)  # what was written is what is read otherwise


@kinds
def test_training_is_one_long_step(make):
    layer = built(make)
    whole = numpy(layer(X, X, use_causal_mask=True, return_attention_scores=True))
    same(numpy(layer.step(X, return_attention_scores=True)[0]), whole, CLOSE)


@pytest.mark.parametrize("kind", ["multi-head", "grouped-query", "rotary", "sliding-window", "sliding-window-rotary"])
def test_one_graph_for_prompts_and_tokens(kind):
    """Where the graph does not know the cache's length, the cache has the tokens so far, and the weights are theirs."""
    layer = built(MAKE[kind])
    whole = numpy(layer(X, X, use_causal_mask=True, return_attention_scores=True))
    cache = layer.start(2, 11)
    anything = {name: tf.TensorSpec((None,) * 4) for name in cache}
    signature = [tf.TensorSpec((None, None, 13)), tf.TensorSpec((), tf.int32), anything]
    graph = tf.function(
        lambda x, position, cache: layer.step(x, position, cache, return_attention_scores=True),
        input_signature=signature,
    )

    def step(x, position, cache):
        (output, weights), cache = graph(x, position, cache)
        seen = position + x.shape[1]
        assert cache["key"].shape[2] == seen
        if whole[1].shape[-1] == 11:  # a window has a width of its own
            weights = np.pad(weights, [(0, 0)] * 3 + [(0, 11 - seen)])  # what comes after has no weight
        return (output, weights), cache

    for cuts in ((4, 1, 1, 5), (11,), (1,) * 11):
        same(in_pieces(step, cache, cuts)[0], whole, CLOSE)


@kinds
def test_a_longer_cache_changes_nothing(make):
    layer = built(make)
    (output, weights), _ = layer.step(X, 0, layer.start(2, 17), return_attention_scores=True)
    same(numpy(output), numpy(layer(X, X, use_causal_mask=True)), CLOSE)
    if weights.shape[-1] == 17:
        assert (numpy(weights)[..., 11:] == 0).all()


@kinds
def test_a_later_start_is_an_earlier_one_moved(make):
    """Positions inside attention depend on differences only, so where the sequence begins does not matter."""
    layer = built(make)
    same(numpy(layer.step(X, 23)[0]), numpy(layer.step(X, 0)[0]), 1e-5)


@pytest.mark.parametrize("kind", ["multi-head", "grouped-query", "sliding-window"])
def test_padding_in_the_cache_is_not_seen(kind):
    layer = built(MAKE[kind])
    seen = np.ones((2, 11), bool)
    seen[1, :3] = False
    (found, weights), _ = layer.step(X, 0, layer.start(2, 11), key_mask=seen, return_attention_scores=True)
    found, short = numpy(found), numpy(layer.step(X[1:, 3:])[0])
    same(found[1:, 3:], short, CLOSE)
    same(found[0], numpy(layer(X, X, use_causal_mask=True))[0], CLOSE)
    assert (found[1, :3] == 0).all()  # who sees nothing reads nothing, not even a bias
    assert (numpy(weights)[1, :, :3] == 0).all()
    same(numpy(layer.step(X, key_mask=seen)[0]), found, CLOSE)  # without a cache, too


@kinds
def test_a_cache_is_empty_at_the_start_and_has_the_batch_first(make):
    layer = built(make)
    cache = layer.start(3, 5)
    assert {name: tuple(leaf.shape) for name, leaf in cache.items()} == {
        "key": (3, layer.key_heads, 5, layer.head_dim),
        "value": (3, layer.key_heads, 5, layer.value_dim),
    }
    assert all((numpy(leaf) == 0).all() for leaf in cache.values())


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16"])
def test_a_cache_has_the_type_that_is_computed_with(policy):
    layer = MultiHeadAttention(7, 3, dtype=policy)
    layer.build((None, None, 13), (None, None, 13))
    output, cache = layer.step(X, 0, layer.start(2, 11))
    kinds = {str(leaf.dtype.name) for leaf in (output, *cache.values())}
    assert kinds == {policy.removeprefix("mixed_")}


def test_gradients_pass_the_cache():
    layer = built(MAKE["multi-head"])
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, cache = layer.step(x[:, :4], 0, layer.start(2, 11))
        output, _ = layer.step(x[:, 4:5], 4, cache)
        total = tf.reduce_sum(output**2)
    size = np.abs(tape.gradient(total, x)).max((0, 2))
    assert (size[:5] > 0).all()
    assert (size[5:] == 0).all()


# A memory made once


@pytest.mark.parametrize("kind", ["multi-head", "grouped-query", "multi-query", "rotary", "relative"])
def test_reading_a_memory_is_the_call(kind):
    layer, mask = built(MAKE[kind]), np.arange(11) < np.array([11, 7])[:, None]
    memory = layer.project_memory(X)
    assert memory["key"].shape == (2, layer.key_heads, 11, layer.head_dim)
    assert memory["value"].shape == (2, layer.key_heads, 11, layer.value_dim)
    whole = layer(X[:, :3], X, value_mask=mask, return_attention_scores=True)
    same(numpy(layer.read(X[:, :3], memory, mask[:, None])), numpy(whole), CLOSE)
    third = layer.read(X[:, 2:3], memory, mask[:, None].astype("float32"), query_position=np.array([2]))
    same(numpy(third[0]), numpy(whole[0])[:, 2:], CLOSE)  # RNN makes masks floats


def test_a_window_reads_no_memory():
    layer = built(MAKE["sliding-window"])
    with pytest.raises(ValueError, match="a window cannot read a memory"):
        layer.read(X, layer.project_memory(X))


def test_a_mask_over_pairs_alone_serves_all_examples():
    layer, pairs = built(MAKE["multi-head"]), np.random.default_rng(1).random((7, 11)) < 0.6  # as many as heads
    memory = layer.project_memory(X)
    whole = layer(X[:, :7], X, attention_mask=np.repeat(pairs[None], 2, 0), return_attention_scores=True)
    same(numpy(layer.read(X[:, :7], memory, pairs)), numpy(whole), CLOSE)


def test_a_memory_can_be_made_before_anybody_reads():
    layer = MultiHeadAttention(7, 3)
    layer.build_memory((None, None, 13))
    memory = layer.project_memory(X)
    layer.build_query((None, None, 5))
    output, weights = layer.read(np.ones((2, 3, 5), "float32"), memory)
    assert (output.shape, weights.shape) == ((2, 3, 5), (2, 7, 3, 11))
    assert len(layer.weights) == 7
