"""The recurrent decoder with every mechanism by name: what is refused and why, and that the rest is right."""

from __future__ import annotations

import functools
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from catalogue import KEY_LENGTHS, ModelRow, numpy, over, same, step
from paper_cells import gru
from paper_decoder import softmax

from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, mechanisms, seq2seq
from keras_attn.testing import Broken
from keras_attn.testing.model_promises.table import MODEL_PROMISES

CHOICES = {
    "attention": (*mechanisms.ATTENTIONS, None),
    "query": mechanisms.QUERIES,
    "weighing": tuple(mechanisms.WEIGHINGS),
    "window": (None, *mechanisms.WINDOWS),
    "fusion": (None, *mechanisms.FUSIONS),
    "input_feeding": (True, False),
}
UNITS, EMBEDDING, D = 11, 13, 1
SIZES = {
    "units": UNITS,
    "embedding": EMBEDDING,
    "attention_units": 6,
    "heads": 3,
    "window_width": D,
    "top_k": 2,
    "max_source_length": 11,
    "dropout": 0.0,
}
DEFAULTS = {name: getattr(RNNDecoder(), name) for name in CHOICES}


def combinations():
    for values in itertools.product(*CHOICES.values()):
        yield dict(zip(CHOICES, values, strict=True))


def told(choice):
    """The setting that makes no sense beside the others, or None: the rules once more."""
    if choice["attention"] is None:
        return next((name for name in CHOICES if name != "attention" and choice[name] != DEFAULTS[name]), None)
    if choice["attention"] == "multi_head" and choice["weighing"] != "softmax":
        return "weighing"
    if choice["attention"] == "multi_head" and choice["window"]:
        return "window"
    if choice["query"] == "state":
        return "fusion" if choice["fusion"] == "concat" else None
    return None if choice["input_feeding"] else "input_feeding"


def test_every_combination_is_taken_or_refused_with_a_reason():
    refused, taken = 0, 0
    for choice in combinations():
        name = told(choice)
        if name is None:
            RNNDecoder(**choice)
            taken += 1
        else:
            with pytest.raises(UserError) as error:
                RNNDecoder(**choice)
            assert str(error.value).startswith(f"{name}: ")
            refused += 1
    after, before = 5 * 2, 3 * 6  # 5 fusions, fed or not, with query "state"; 3 queries with 6 fusions
    assert taken == (8 * 5 * 3 + 1) * (after + before) + 1  # scorings, weighings, windows; multi-head; none
    assert taken + refused == 10 * 4 * 5 * 3 * 6 * 2


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"attention": None, "window": "local_monotonic"}, "window: without attention there is nothing to set it for"),
        ({"attention": None, "query": "state"}, "query: without attention there is nothing to set it for"),
        ({"input_feeding": False}, "input_feeding: only with query='state' .* before, and the context enters the step"),
        ({"query": "state", "fusion": "concat"}, "fusion: .* wider than what is fed .*'linear' is the same with a"),
        ({"query": "state", "deep_output": True}, "deep_output: it joins state, word and context itself, .* choose"),
        ({"attention": "dots"}, "attention: expected one of 'additive', 'dot', .*, None, got 'dots'"),
        ({"query": "tokens"}, "query: expected one of 'previous_state', .*, got 'tokens'"),
        ({"weighing": "hardmax"}, "weighing: expected one of 'softmax', .*, got 'hardmax'"),
        ({"window": "local"}, "window: expected one of 'local_monotonic', 'local_predictive', None, got 'local'"),
        ({"fusion": "sum"}, "fusion: expected one of 'concat', .*, None, got 'sum'"),
        (
            {"attention": "multi_head", "weighing": "top_k"},
            "weighing: each head .* has a softmax over the whole source",
        ),
        ({"attention": "multi_head", "units": 7}, "heads: expected a divisor of the width of all heads, 7, got 4"),
        ({"top_k": 0}, "top_k: expected at least 1, got 0"),
        ({"window_width": 0}, "window_width: expected at least 1, got 0"),
        ({"max_source_length": 0}, "max_source_length: expected at least 1, got 0"),
    ],
)
def test_the_reason(choice, message):
    with pytest.raises(UserError, match=message):
        RNNDecoder(**choice)


@pytest.mark.parametrize("query", mechanisms.QUERIES)
@pytest.mark.parametrize("attention", mechanisms.ONE_WIDTH)
def test_unequal_widths_are_told_with_a_way_out(attention, query):
    width = {"token": 13, "token_and_state": 24}.get(query, 11)
    decoder = RNNDecoder(**SIZES, attention=attention, query=query)
    message = (
        rf"attention: '{attention}' multiplies .* the query \({query}\) is {width} wide and the annotations 14; make "
        "them equal .*, or choose 'general'"
    )
    with pytest.raises(UserError, match=message):
        seq2seq(RNNEncoder(units=7, embedding=5), decoder, 31, 37)


@pytest.mark.parametrize("setting", [name for name in CHOICES if name != "input_feeding"])
def test_every_name_is_documented(setting):
    assert not [name for name in CHOICES[setting] if name and f'"{name}"' not in RNNDecoder.__doc__]


def test_every_name_makes_its_class():
    for name, kind in mechanisms.SCORINGS.items():
        assert type(mechanisms.make_scoring(name, 3, 5, 7)) is kind
    for name, kind in mechanisms.WEIGHINGS.items():
        assert type(mechanisms.make_weighing(name, 3)) is kind
    for name, kind in mechanisms.WINDOWS.items():
        assert type(mechanisms.make_window(name, 3, 5)) is kind
    assert mechanisms.make_scoring("general", 3, 5, 7).units == 5
    assert mechanisms.make_scoring("location", 3, 5, 7).max_length == 7
    assert mechanisms.make_scoring("concat", 3, 5, 7).units == 3
    assert mechanisms.make_weighing("top_k", 3).k == 3
    assert mechanisms.make_window("local_predictive", 3, 5).units == 5
    assert mechanisms.make_window(None, 3, 5) is None


# What is built


def encoder_for(decoder):
    """One that gives annotations as wide as the query where they must be."""
    both = EMBEDDING + UNITS
    width = {"token": EMBEDDING, "token_and_state": both}.get(decoder.query, UNITS)
    one_width = decoder.attention in mechanisms.ONE_WIDTH
    return RNNEncoder(units=width if one_width else 7, embedding=5, bidirectional=not one_width, dropout=0.0)


def covering():
    """Combinations in which every two values that go together meet at least once."""
    valid = [choice for choice in combinations() if choice["attention"] and told(choice) is None]

    @functools.cache
    def pairs(index):
        return frozenset(itertools.combinations(sorted(valid[index].items(), key=str), 2))

    missing = frozenset().union(*map(pairs, range(len(valid))))
    while missing:
        best = max(range(len(valid)), key=lambda index: len(pairs(index) & missing))
        missing -= pairs(best)
        yield valid[best]


COVERING = list(covering())


def test_every_two_mechanisms_that_go_together_are_built_together():
    met = {pair for choice in COVERING for pair in itertools.combinations(choice.items(), 2)}
    wanted = {
        pair
        for choice in combinations()
        if choice["attention"] and told(choice) is None
        for pair in itertools.combinations(choice.items(), 2)
    }
    assert met == wanted


@pytest.mark.parametrize("choice", COVERING, ids=lambda choice: "-".join(map(str, choice.values())))
def test_what_is_taken_is_built_and_right(choice):
    decoder = RNNDecoder(**SIZES, **choice)
    row = ModelRow("it", encoder_for(decoder), decoder)
    views = row.fresh()
    encoded = views.encoder(row.source())
    whole = numpy(step(views, row.target(), **encoded))
    # In pieces, of which the second knows its number, as at once and as in training
    same(numpy(views.training(row.inputs())), whole["logits"], 5e-6)
    prompt = step(views, row.target()[:, :2], **encoded)
    last = numpy(step(views, row.target()[:, 2:], encoded["memory"], prompt["state"], position=2))
    prompt = numpy(prompt)
    same(np.concatenate([prompt["logits"], last["logits"]], 1), whole["logits"], 5e-6)
    weights = whole["weights"]["decoder"]
    same(np.concatenate([prompt["weights"]["decoder"], last["weights"]["decoder"]], 2), weights, 5e-6)
    # Weights of the words, and of no other place
    assert weights.shape == (2, 1, 3, 5)
    visible = np.repeat((row.source() != 0)[:, None, None], 3, 2)
    if choice["window"] == "local_monotonic":
        visible &= abs(np.arange(5) - np.arange(3)[:, None]) <= D
    assert (weights[~visible] == 0).all()
    assert (weights >= 0).all()
    if choice["weighing"] != "sigmoid" and choice["window"] != "local_predictive":
        same(weights.sum(-1), np.ones((2, 1, 3), "float32"), 2e-6)
    if choice["weighing"] in ("softmax", "sigmoid") and choice["window"] != "local_predictive":
        assert (weights[visible] > 0).all()
    if choice["weighing"] == "top_k":
        assert ((weights > 0).sum(-1) <= 2).all()
    if choice["weighing"] == "straight_through":
        assert ((weights > 0).sum(-1) <= 1).all()
    # More padding changes nothing
    longer = {"source": np.pad(row.source(), ((0, 0), (0, 4))), "target": row.target()}
    same(numpy(views.training(longer)), whole["logits"], 5e-6)


def model(**choice):
    decoder = RNNDecoder(**{**SIZES, **choice})
    row = ModelRow("it", encoder_for(decoder), decoder)
    return row, row.fresh()


def test_what_is_fed_is_nothing_before_the_first_step():
    for feeding in (True, False):
        row, views = model(attention="general", query="state", input_feeding=feeding)
        state = numpy(views.encoder(row.source()))["state"]["decoder"]
        assert len(state) == 1 + feeding
        if feeding:
            assert state[1].shape == (2, UNITS)
            assert not state[1].any()


def test_the_attentional_vector_goes_into_the_softmax():
    row, views = model(attention="dot", query="state", input_feeding=False)
    out = numpy(step(views, row.target(), **views.encoder(row.source())))
    (W_c,) = views.training.get_layer("decoder").cell.fusion.W_c.get_weights()
    memory = numpy(views.encoder(row.source())["memory"])
    context = out["weights"]["decoder"][:, 0, -1:] @ memory["value"]
    vector = np.tanh(np.concatenate([context[:, 0], out["state"]["decoder"][0]], -1) @ W_c)
    kernel, bias = views.training.get_layer("logits").get_weights()
    same(out["logits"][:, -1], vector @ kernel + bias, 1e-5)


def test_location_token_and_state_linear_is_the_decoder_of_the_tutorial():
    """AttnDecoderRNN but for its relu before the GRU: attn([embedded; hidden]), attn_combine([embedded; read])."""
    longest = KEY_LENGTHS[0]
    row, views = model(attention="location", query="token_and_state", fusion="linear", max_source_length=longest)
    cell = views.training.get_layer("decoder").cell
    attn, attn_bias = cell.attention.scoring.project_query.get_weights()
    matrix, bias = cell.fusion.combine.get_weights()
    table = next(numpy(weight) for weight in views.training.weights if "target_embedding" in weight.path)
    kernel, out_bias = views.training.get_layer("logits").get_weights()
    encoded = numpy(views.encoder(row.source()))
    outputs, state = encoded["memory"]["value"][0], [encoded["state"]["decoder"][0][0]]
    found = numpy(step(views, row.target(), **views.encoder(row.source())))
    for i, word in enumerate(row.target()[0]):
        weights = softmax(np.concatenate([table[word], *state]) @ attn + attn_bias, np.ones(longest, bool))
        x = np.concatenate([table[word], weights @ outputs]) @ matrix + bias
        h, state = gru(cell.cell, x, state)
        same(found["weights"]["decoder"][0, 0, i], weights.astype("float32"), 1e-5)
        same(found["logits"][0, i], (h @ kernel + out_bias).astype("float32"), 1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_late_tokens_look_where_their_number_says(policy):
    """Positions above 256 are no whole numbers in bfloat16, nor those above 2,048 in float16."""
    decoder = RNNDecoder(**SIZES, window="local_monotonic")
    row = ModelRow("it", encoder_for(decoder), decoder)
    views = row.views(policy)
    kind = views.step.compute_dtype
    memory = {
        "key": tf.zeros((2, 2063, decoder.attention_units), kind),
        "value": tf.ones((2, 2063, 14), kind),
        "mask": tf.ones((2, 2063), "bool"),
    }
    state = {"decoder": [tf.zeros((2, UNITS), kind)]}
    for position in (255, 257, 2049, 2058):
        weights = numpy(step(views, row.target(), memory, state, position))["weights"]["decoder"]
        for i in range(3):
            assert np.flatnonzero(weights[0, 0, i]).tolist() == [position + i - 1, position + i, position + i + 1]


# Hard attention in training


def test_straight_through_draws_in_training_only():
    row, views = model(weighing="straight_through")
    same(numpy(views.training(row.inputs())), numpy(views.training(row.inputs())))
    drawn = [numpy(views.training(row.inputs(), training=True)) for _ in range(5)]
    assert len({array.tobytes() for array in drawn}) > 1


JAX = """
import keras, numpy as np
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq
random = np.random.default_rng(0)
given = {"source": random.integers(4, 31, (8, 5)), "target": random.integers(4, 37, (8, 3))}
for query in ("previous_state", "state"):
    decoder = RNNDecoder(units=11, embedding=13, weighing="straight_through", query=query, dropout=0.0)
    views = seq2seq(RNNEncoder(units=7, embedding=5), decoder, 31, 37)
    first, second = (np.asarray(views.training(given, training=True)) for _ in range(2))
    assert abs(first - second).max() > 0
views.training.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
loss = views.training.fit(given, given["target"], epochs=3, verbose=0).history["loss"]
assert np.isfinite(loss).all() and loss[-1] < loss[0]
print(keras.backend.backend(), "ok")
"""


def test_straight_through_trains_on_jax():
    """There a loop can't move a seed on: noise is drawn ahead of it."""
    pytest.importorskip("jax")
    env = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", JAX], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "jax ok", done.stderr[-2000:]


# The promises of models

MODEL_ROWS = [
    ModelRow(
        "multi-head",
        RNNEncoder(units=7, embedding=5),
        RNNDecoder(**SIZES, attention="multi_head", query="state"),
    ),
    ModelRow(
        "luong-general",
        RNNEncoder(units=7, embedding=5, cell="lstm"),
        RNNDecoder(**SIZES, attention="general", query="state", cell="lstm"),
    ),
    ModelRow(
        "luong-local-predictive",
        RNNEncoder(units=UNITS, embedding=5, bidirectional=False),
        RNNDecoder(**{**SIZES, "window_width": 2}, attention="dot", query="state", window="local_predictive"),
        claims=frozenset(),
    ),
    ModelRow(
        "straight-through",
        RNNEncoder(units=7, embedding=5),
        RNNDecoder(**SIZES, weighing="straight_through"),
        claims=frozenset({"sums to one"}),
    ),
    ModelRow(
        "tutorial",
        RNNEncoder(units=UNITS, embedding=5, bidirectional=False),
        RNNDecoder(**SIZES, attention="location", query="token_and_state", fusion="linear"),
        claims=frozenset({"sums to one"}),  # keys aren't asked: none gets a gradient
    ),
]


@pytest.mark.parametrize("promise", MODEL_PROMISES, ids=lambda promise: promise.name)
@over(MODEL_ROWS)
def test_a_model_keeps_its_promise(row, promise):
    outcome = promise.judge(row.subject)
    if outcome.verdict == "-":
        pytest.skip(outcome.reason)
    if outcome.verdict == "broken":
        raise Broken([outcome]) from outcome.error
