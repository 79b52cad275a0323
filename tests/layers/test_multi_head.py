"""Multi-head attention beside Keras', PyTorch's and a loop over the paper's equations."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from catalogue import KEY_LENGTHS, QUERY_LENGTHS, fill, numpy, same

from keras_attn.layers import (
    DotScoring,
    GroupedQueryAttention,
    HardAttention,
    MixtureOfHeads,
    MultiHeadAttention,
    MultiQueryAttention,
    SlidingWindowAttention,
)

HEADS, HEAD_DIM, VALUE_DIM = 7, 3, 5
QUERY_MASK, MASK = (np.arange(max(lengths)) < np.array(lengths)[:, None] for lengths in (QUERY_LENGTHS, KEY_LENGTHS))
TOLERANCES = [("float32", 1e-5), ("float64", 1e-10)]
MASKS = {
    "open": {},
    "padding": {"query_mask": QUERY_MASK, "value_mask": MASK},
    "pairs": {"attention_mask": np.random.default_rng(5).random((2, 3, 5)) < 0.7},
    "causal": {"use_causal_mask": True},
    "causal-padding": {"use_causal_mask": True, "key_mask": MASK[::-1]},
}
masked = pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS)


def inputs(dtype="float64"):
    """Query, value, key of different widths."""
    random = np.random.default_rng(0)
    return [random.normal(size=size).astype(dtype) for size in ((2, 3, 11), (2, 5, 13), (2, 5, 17))]


def visible(query_mask=None, value_mask=None, key_mask=None, attention_mask=None, use_causal_mask=False):
    may = np.tri(3, 5, dtype=bool) if use_causal_mask else np.ones((3, 5), bool)
    may = np.repeat(may[None], 2, 0)
    for mask in (value_mask, key_mask):
        may &= True if mask is None else mask[:, None]
    may &= True if query_mask is None else query_mask[:, :, None]
    return may & (True if attention_mask is None else attention_mask)


def by_loops(layer, query, value, key, may):
    """Output and weights, a number at a time: Vaswani et al. 2017, eq. 1 and section 3.2.2; Ainslie et al. 2023."""
    kernel = {name: numpy(getattr(layer, f"project_{name}").kernel) for name in ("query", "key", "value", "output")}
    bias = {name: getattr(layer, f"project_{name}").bias for name in kernel}
    bias = {name: 0 if one is None else numpy(one) for name, one in bias.items()}
    output = np.zeros((*query.shape[:2], kernel["output"].shape[1]))
    weights = np.zeros((len(query), layer.heads, query.shape[1], key.shape[1]))
    for b, q in np.ndindex(query.shape[:2]):
        sees = np.flatnonzero(may[b, q])
        heads = []
        for h in range(layer.heads):
            group = h // (layer.heads // layer.key_heads)  # whose keys head h looks at
            own = slice(h * layer.head_dim, (h + 1) * layer.head_dim)
            theirs = slice(group * layer.head_dim, (group + 1) * layer.head_dim)
            values = slice(group * layer.value_dim, (group + 1) * layer.value_dim)
            asked = (query[b, q] @ kernel["query"] + bias["query"])[own]
            head = np.zeros(layer.value_dim)
            scores = {k: asked @ (key[b, k] @ kernel["key"])[theirs] / math.sqrt(layer.head_dim) for k in sees}
            total = sum(map(math.exp, scores.values()))
            for k, score in scores.items():
                weights[b, h, q, k] = math.exp(score) / total
                head += weights[b, h, q, k] * (value[b, k] @ kernel["value"] + bias["value"])[values]
            heads.append(head)
        if len(sees):
            output[b, q] = np.concatenate(heads) @ kernel["output"] + bias["output"]
    return output, weights


FAMILY = {
    "multi-head": lambda **options: MultiHeadAttention(HEADS, HEAD_DIM, VALUE_DIM, **options),
    "grouped-query": lambda **options: GroupedQueryAttention(6, 2, HEAD_DIM, value_dim=VALUE_DIM, **options),
    "multi-query": lambda **options: MultiQueryAttention(HEADS, HEAD_DIM, value_dim=VALUE_DIM, **options),
}
family = pytest.mark.parametrize("make", FAMILY.values(), ids=FAMILY)


def built(make, **options):
    layer = make(**options)
    layer.build(*((None, None, width) for width in (11, 13, 17)))
    fill(layer.weights)
    return layer


@masked
@family
def test_it_is_a_loop_over_the_equations(make, masks):
    for dtype, tolerance in TOLERANCES:
        layer = built(make, dtype=dtype)
        found = numpy(layer(*inputs(dtype), **masks, return_attention_scores=True))
        same(found, by_loops(layer, *inputs(), visible(**masks)), tolerance)
        assert {array.dtype.name for array in found} == {dtype}


@pytest.mark.parametrize("options", [{"use_bias": False}, {"units": 19}], ids=str)
def test_options_are_in_the_loop_too(options):
    layer = built(FAMILY["multi-head"], dtype="float64", **options)
    same(numpy(layer(*inputs())), by_loops(layer, *inputs(), visible())[0], 1e-10)
    assert layer(*inputs()).shape == (2, 3, options.get("units", 11))
    biases = [weight.name for weight in layer.weights].count("bias")
    assert biases == (0 if "use_bias" in options else 3)


def theirs(layer, widths, dtype):
    """Keras' layer with our weights. Its keys have a bias, which changes nothing: we give it any."""
    other = keras.layers.MultiHeadAttention(layer.heads, layer.head_dim, layer.value_dim, dtype=dtype)
    other.build(*((None, None, width) for width in widths))
    for name, dense in {"query": "query", "key": "key", "value": "value", "output": "output"}.items():
        ours, one = getattr(layer, f"project_{name}"), getattr(other, f"{dense}_dense")
        one.kernel.assign(numpy(ours.kernel).reshape(one.kernel.shape))
        one.bias.assign(np.full(one.bias.shape, 0.3) if name == "key" else numpy(ours.bias).reshape(one.bias.shape))
    return other


@masked
@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_it_agrees_with_keras(masks, dtype, tolerance):
    # sqrt(4) is 2; of other widths Keras' float64 knows the square root in float32 only, and is 1e-7 off.
    layer = built(lambda: MultiHeadAttention(HEADS, 4, VALUE_DIM, dtype=dtype))
    other = theirs(layer, (11, 13, 17), dtype)
    ours, its = (one(*inputs(dtype), **masks, return_attention_scores=True) for one in (layer, other))
    sees = visible(**masks).any(-1)
    for one, two in zip(numpy(list(ours)), numpy(list(its)), strict=True):
        rows = sees if one.ndim == 3 else np.broadcast_to(sees[:, None], one.shape[:3])
        same(one[rows], two[rows], tolerance)
        assert (one[~rows] == 0).all()
    same(numpy(layer(*inputs(dtype), **masks)), numpy(ours[0]))  # asking for weights changes nothing


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_self_attention_agrees_with_keras(dtype, tolerance):
    (x, *_), mask = inputs(dtype), {"query_mask": QUERY_MASK, "value_mask": QUERY_MASK}
    layer = MultiHeadAttention(HEADS, 4, dtype=dtype)
    layer.build((None, None, 11), (None, None, 11))
    fill(layer.weights)
    other = theirs(layer, (11, 11), dtype)
    for options in ({}, {"use_causal_mask": True}):
        same(numpy(layer(x, x, **options)), numpy(other(x, x, **options)), tolerance)
        ours, its = (numpy(one(x, x, **mask, **options)) for one in (layer, other))
        same(ours[QUERY_MASK], its[QUERY_MASK], tolerance)
        assert (ours[~QUERY_MASK] == 0).all()


@pytest.mark.parametrize("masks", [name for name in MASKS if name != "causal-padding"])
def test_it_agrees_with_pytorch(masks):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; `pip install torch` to compare with it")
    query, value, key = inputs()
    layer = MultiHeadAttention(HEADS, HEAD_DIM, units=HEADS * HEAD_DIM, dtype="float64")
    query = np.random.default_rng(1).normal(size=(2, 3, 21))  # PyTorch's query is as wide as all heads
    layer(query, value, key)
    fill(layer.weights)
    other = torch.nn.MultiheadAttention(21, HEADS, kdim=17, vdim=13, batch_first=True, dtype=torch.float64)
    parts = {name: getattr(layer, f"project_{name}") for name in ("query", "key", "value", "output")}
    state = {f"{name[0]}_proj_weight": numpy(part.kernel).T for name, part in parts.items() if name != "output"}
    state["out_proj.weight"], state["out_proj.bias"] = numpy(parts["output"].kernel).T, numpy(parts["output"].bias)
    state["in_proj_bias"] = np.concatenate([numpy(parts["query"].bias), np.full(21, 0.3), numpy(parts["value"].bias)])
    other.load_state_dict({name: torch.tensor(np.ascontiguousarray(array)) for name, array in state.items()})
    may = visible(**MASKS[masks])
    hidden = torch.tensor(np.repeat(~may, HEADS, 0))
    with torch.no_grad():
        found = other(*map(torch.tensor, (query, key, value)), attn_mask=hidden, average_attn_weights=False)
    ours = numpy(layer(query, value, key, **MASKS[masks], return_attention_scores=True))
    sees = may.any(-1)
    same(ours[0][sees], found[0].numpy()[sees], 1e-10)
    rows = np.broadcast_to(sees[:, None], (2, HEADS, 3))
    same(ours[1][rows], found[1].numpy()[rows], 1e-10)
    assert sees.any()


# The family


def test_with_as_many_key_heads_as_heads_it_is_multi_head():
    many, grouped = MultiHeadAttention(6, 3, dtype="float64"), GroupedQueryAttention(6, 6, 3, dtype="float64")
    for layer in (many, grouped):
        layer(*inputs())
        fill(layer.weights)
    same(numpy(grouped(*inputs())), numpy(many(*inputs())), 1e-12)


def test_with_one_key_head_it_is_multi_query():
    one, grouped = MultiQueryAttention(6, 3, dtype="float64"), GroupedQueryAttention(6, 1, 3, dtype="float64")
    for layer in (one, grouped):
        layer(*inputs())
        fill(layer.weights)
    same(numpy(grouped(*inputs())), numpy(one(*inputs())), 1e-12)


@pytest.mark.parametrize(("key_heads", "bias"), [(2, False), (1, False)])
def test_it_agrees_with_grouped_queries_of_keras(key_heads, bias):
    layer = GroupedQueryAttention(6, key_heads, 4, use_bias=bias)
    other = keras.layers.GroupQueryAttention(4, 6, key_heads, use_bias=bias)
    arrays = inputs("float32")
    for one in (layer, other):
        one(*arrays)
    fill(layer.weights)
    for name in ("query", "key", "value", "output"):
        kernel = getattr(other, f"_{name}_dense").kernel
        kernel.assign(numpy(getattr(layer, f"project_{name}").kernel).reshape(kernel.shape))
    same(numpy(layer(*arrays)), numpy(other(*arrays)), 1e-5)


# Dropout and starting values


def test_dropout_is_in_training_only_and_the_weights_are_those_before_it():
    layer = MultiHeadAttention(HEADS, HEAD_DIM, dropout=0.5, seed=3)
    arrays = inputs("float32")
    still, weights = numpy(layer(*arrays, return_attention_scores=True))
    first, its = numpy(layer(*arrays, return_attention_scores=True, training=True))
    second = numpy(layer(*arrays, training=True))
    assert (first != second).any()
    assert (first != still).any()
    same(its, weights)
    fresh = MultiHeadAttention.from_config(layer.get_config())
    fresh.build(*((None, None, width) for width in (11, 13, 17)))
    for one, other in zip(fresh.trainable_weights, layer.trainable_weights, strict=True):
        one.assign(other)
    same(numpy(fresh(*arrays, training=True)), first, 1e-6)  # the same seed, the same draws


def test_projections_start_with_numbers_of_their_own():
    layer = MultiHeadAttention(HEADS, HEAD_DIM, kernel_initializer=keras.initializers.RandomNormal(stddev=0.001))
    x = np.zeros((2, 3, 21))
    layer(x, x)
    kernels = [numpy(getattr(layer, f"project_{name}").kernel) for name in ("query", "key", "value", "output")]
    assert all((one != other).all() for i, one in enumerate(kernels) for other in kernels[:i])
    assert all(0 < kernel.std() < 0.002 for kernel in kernels)


# Mistakes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiHeadAttention(0, 3), "heads: expected at least 1, got 0"),
        (lambda: MultiHeadAttention(3, 0), "head_dim: expected at least 1, got 0"),
        (lambda: MultiHeadAttention(3, 5, 0), "value_dim: expected at least 1, got 0"),
        (lambda: MultiHeadAttention(3, 5, units=0), "units: expected at least 1, got 0"),
        (lambda: MultiHeadAttention(3, 5, dropout=1.0), "dropout: expected at least 0 and less than 1, got 1.0"),
        (lambda: GroupedQueryAttention(6, 4, 5), r"key_heads: expected a divisor of heads \(6\), got 4"),
        (lambda: GroupedQueryAttention(6, 0, 5), r"key_heads: expected a divisor of heads \(6\), got 0"),
    ],
)
def test_sizes_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", ["query", "value", "key", "attention_mask"])
def test_a_wrong_rank_names_the_argument(name):
    given = dict(zip(("query", "value", "key"), inputs(), strict=True))
    layer = built(FAMILY["multi-head"])
    with pytest.raises(ValueError, match=rf"`{name}` must have shape \(batch, .*\(5,\)"):
        layer(**{**given, name: np.zeros(5)})


@pytest.mark.parametrize(
    "make",
    [
        lambda: MultiHeadAttention(HEADS, HEAD_DIM),
        lambda: SlidingWindowAttention(HEADS, HEAD_DIM, window=2),
        lambda: MixtureOfHeads(HEADS, 2, HEAD_DIM),
        lambda: HardAttention(DotScoring()),
    ],
    ids=["multi-head", "sliding-window", "mixture-of-heads", "hard"],
)
def test_symbols_may_come_by_place(make):
    query, mask = keras.Input((4, 11)), keras.Input((4,), dtype="bool")
    found = make()(query, query, query, mask, return_attention_scores=True)
    assert found[0].shape == (None, 4, 11)
    assert len(found) == 2
