"""Transformer encoder and decoder in whole models: beside the paper's equations, in pieces, searched, trained."""

from __future__ import annotations

import keras
import numpy as np
import paper_transformer as paper
import pytest
import tensorflow as tf
from catalogue import fill, numpy, same, step

from keras_attn.decoding import Greedy
from keras_attn.errors import UserError
from keras_attn.export import TextToText
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq
from keras_attn.ops.memory import sized
from keras_attn.text import Tokenizer

SIZES = {"layers": 2, "width": 12, "feed_forward": 17, "heads": 3}
VOCABULARY = 31
SOURCE = np.array([[7, 11, 5, 29, 3], [13, 4, 3, 0, 0]], "int32")
TARGET = np.array([[2, 9, 17, 30, 6], [2, 21, 8, 0, 0]], "int32")
LENGTHS = (5, 3)  # of both


def transformer(encoder=None, decoder=None, share_embeddings=True, vocabulary=VOCABULARY, **fields):
    """Views with weights that matter; fields are of both sides."""
    sides = TransformerEncoder(**SIZES | fields, **encoder or {}), TransformerDecoder(**SIZES | fields, **decoder or {})
    return filled(*sides, share_embeddings, vocabulary)


def filled(encoder, decoder, share_embeddings=False, vocabulary=VOCABULARY):
    views = seq2seq(encoder, decoder, vocabulary, vocabulary, share_embeddings=share_embeddings)
    fill(views.training.weights)
    return views


KINDS = {
    "paper": {"norm": "post"},
    "rotary-swiglu-grouped": {"position": "rotary", "activation": "swiglu", "self_attention": "grouped_query"},
    "relative-multi-query": {"position": "relative", "self_attention": "multi_query"},
    "alibi-window": {"position": "alibi", "self_attention": "sliding_window", "self_window": 1},
    "t5": {"position": "t5"},
    "learned-additive": {"position": "learned", "decoder": {"attention": "additive"}},
    "general-predictive": {"decoder": {"attention": "general", "window": "local_predictive"}},
}
kinds = pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS)


# The equations


@pytest.mark.parametrize(
    "fields", [{"norm": "post"}, {"norm": "pre", "position": "rotary", "activation": "swiglu"}], ids=["paper", "rotary"]
)
def test_the_whole_model_is_that_of_the_paper(fields):
    """From ids to logits, and what each head looked at."""
    views, sizes = transformer(**fields), TransformerEncoder(**SIZES | fields)
    logits = numpy(views.training({"source": SOURCE, "target": TARGET}))
    weights = numpy(step(views, TARGET, **views.encoder(SOURCE))["weights"])
    for index, length in enumerate(LENGTHS):
        source, target = SOURCE[index, :length], TARGET[index, :length]
        wanted, seen = paper.logits(views, sizes, source, target, rotary=fields.get("position") == "rotary")
        same(logits[index, :length], wanted, 2e-5)
        for layer in range(2):
            same(weights[f"decoder_{layer}"][index, :, :length, :length], seen[layer], 1e-5)
            assert (weights[f"decoder_{layer}"][index, ..., length:] == 0).all()


# Memory and state


def shapes(nested):
    return keras.tree.map_structure(lambda leaf: tuple(leaf.shape), nested)


def test_memory_and_state_of_heads_are_those_of_the_table():
    views = transformer(decoder={"self_attention": "grouped_query", "key_heads": 1})
    encoded = views.encoder(SOURCE)
    read = {"key": (2, 3, 5, 4), "value": (2, 3, 5, 4)}  # (batch, heads, source_length, head_dim)
    assert keras.tree.flatten(shapes(encoded["memory"])) == keras.tree.flatten({"decoder": [read] * 2, "mask": (2, 5)})
    keras.tree.assert_same_structure(numpy(encoded["memory"]), {"decoder": [{"key": 0, "value": 0}] * 2, "mask": 0})
    assert (numpy(encoded["memory"]["mask"]) == (SOURCE != 0)).all()
    for state, time in ((encoded["state"], 0), (sized(encoded["state"], 7), 7)):
        keras.tree.assert_same_structure(numpy(state), {"cache": [{"key": 0, "value": 0}] * 2})
        assert {tuple(leaf.shape) for leaf in keras.tree.flatten(state)} == {(2, 1, time, 4)}  # one head of keys


def test_memory_of_a_scoring_is_that_of_the_table():
    memory = transformer(decoder={"attention": "additive"}).encoder(SOURCE)["memory"]
    keras.tree.assert_same_structure(numpy(memory), {"decoder": [{"key": 0, "value": 0}] * 2, "mask": 0})
    assert [tuple(leaf.shape) for leaf in keras.tree.flatten(memory)] == [(2, 5, 12)] * 4 + [(2, 5)]
    first, second = memory["decoder"]
    same(numpy(first["value"]), numpy(second["value"]))  # both read the annotations themselves
    assert abs(numpy(first["key"]) - numpy(second["key"])).max() > 0.1


@kinds
def test_a_prompt_and_then_single_tokens_are_training(fields):
    views = transformer(**fields)
    wanted = numpy(views.training({"source": SOURCE, "target": TARGET}))
    encoded = views.encoder(SOURCE)
    for room in (5, 11):  # a cache that is longer than needed changes nothing
        state, logits, position = sized(encoded["state"], room), [], 0
        for n in (2, 1, 1, 1):
            tokens = TARGET[:, position : position + n]
            out = step(views, tokens, encoded["memory"], state, position)
            state, position = out["state"], position + n
            logits.append(numpy(out["logits"]))
        same(np.concatenate(logits, 1), wanted, 1e-5)
        assert {leaf.shape[2] for leaf in keras.tree.flatten(state)} == {room}


def test_making_room_keeps_what_is_there_and_never_cuts():
    leaf = np.random.default_rng(0).normal(size=(2, 5, 3, 7)).astype("float32")
    state = {"cache": [{"key": leaf}], "decoder": [leaf[:, 0, 0]]}
    longer = numpy(sized(state, 11))
    same(longer["cache"][0]["key"][:, :, :3], leaf)
    assert longer["cache"][0]["key"].shape == (2, 5, 11, 7)
    assert not longer["cache"][0]["key"][:, :, 3:].any()
    same(longer["decoder"][0], leaf[:, 0, 0])
    same(numpy(sized(state, 2))["cache"][0]["key"], leaf)
    recurrent = {"decoder": [leaf]}
    assert sized(recurrent, 11) is recurrent


# Searches


def talkative(vocabulary=VOCABULARY, **fields):
    """Untrained models repeat what they read; this one says the word that is seven further in the vocabulary."""
    fields["decoder"] = {**fields.get("decoder", {}), "tied": False}
    views = transformer(vocabulary=vocabulary, **fields)
    (table,) = (numpy(weight) for weight in views.training.weights if "_embedding/" in weight.path)
    for weight in views.training.weights:
        if len(weight.shape) == 1:  # a bias that is not small is the same word again and again
            weight.assign(np.full(weight.shape, float("gamma" in weight.path)))
    views.training.get_layer("logits").kernel.assign(np.roll(table, 7, axis=0).T)
    return views


def chain(views, source, limit):
    """The likeliest token again and again, each from the training view alone, until the end token; and its score."""
    ids, score = [2], 0.0
    while len(ids) <= limit and ids[-1] != 3:
        logits = numpy(views.training({"source": source[None], "target": np.array([ids], "int32")}))[0, -1]
        spoken = np.where(np.isin(np.arange(len(logits)), (0, 2)), -np.inf, logits)  # never padding or start
        ids.append(int(spoken.argmax()))
        score += spoken.max() - np.log(np.exp(logits.astype("float64")).sum())
    return ids[1:], score


@kinds
def test_greedy_search_is_the_likeliest_token_of_training_again_and_again(fields):
    views, limits = talkative(**fields), np.array([9, 5], "int32")
    encoded = views.encoder(SOURCE)
    found, scores, _ = (leaf[:, 0] for leaf in numpy(Greedy()(views.step, encoded["memory"], encoded["state"], limits)))
    for index, limit in enumerate(limits):
        wanted, score = chain(views, SOURCE[index], limit)
        assert found[index].tolist() == wanted + [0] * (9 - len(wanted))
        same(scores[index], score, 1e-4)
    assert len({*found.ravel()} - {0}) > 2


def test_strings_are_decoded_as_ids_are():
    pairs = [("a man rides a horse", "ein Mann reitet ein Pferd"), ("two women are eating", "zwei Frauen essen")]
    text = Tokenizer.train(pairs, vocabulary_size=300, model="bpe", shared=True)
    views = talkative(vocabulary=text.source.size)
    translate, lines = TextToText(views, text, length_factor=1.0, length_extra=2), ["a man", "two women are eating", ""]
    found = translate(lines)
    aligned = translate.align(lines)
    for index, line in enumerate(lines[:2]):
        source = numpy(text.source.tokenize(tf.constant([line])).to_tensor())[0]
        ids, score = chain(views, np.append(source, 3).astype("int32"), len(source) + 2)
        assert found.text[index] == numpy(text.target.detokenize(tf.constant([ids])))[0].decode()
        same(found.score[index], score, 1e-4)
        assert aligned[index].weights.shape == (len(aligned[index].target_tokens), len(source) + 1)
        same(aligned[index].weights.sum(-1), np.ones(len(aligned[index].target_tokens)), 1e-5)
    assert found.text[2] == ""
    assert found.text[0] != found.text[1]


# Sizes


def test_tiny_with_a_shared_vocabulary_of_8000_has_at_most_2_7_million_weights():
    sides = TransformerEncoder.sized("tiny"), TransformerDecoder.sized("tiny")
    count = seq2seq(*sides, 8000, 8000, share_embeddings=True).training.count_params()
    print(f"tiny: {count:,} weights")
    assert count <= 2_700_000


def test_base_has_the_weights_of_the_paper():
    d, f, layers, vocabulary = 512, 2048, 6, 37_000  # table 3, section 5.1
    heads = 4 * d * d + 3 * d  # no bias of keys, which would change nothing
    network, norm = d * f + f + f * d + d, 2 * d
    paper_count = vocabulary * d + layers * (heads + network + 2 * norm) + layers * (2 * heads + network + 3 * norm)
    sides = TransformerEncoder.sized("base", norm="post"), TransformerDecoder.sized("base", norm="post")
    count = seq2seq(*sides, vocabulary, vocabulary, share_embeddings=True).training.count_params()
    print(f"base: {count:,} weights")
    assert count == paper_count
    assert round(count / 1e6) == 63  # the paper says 65, rounded to 5


def test_sizes_have_names_and_fields_change_them():
    big = TransformerDecoder.sized("big", dropout=0.3, tied=False)
    assert (big.layers, big.width, big.feed_forward, big.heads) == (6, 1024, 4096, 16)
    assert (big.dropout, big.tied) == (0.3, False)
    small = TransformerEncoder.sized("small", layers=12)
    assert (small.layers, small.width, small.feed_forward, small.heads) == (12, 512, 1024, 4)


def test_pre_norm_ends_with_a_norm_and_post_norm_does_if_asked():
    for norm, final, wanted in (("pre", None, 2), ("post", None, 0), ("post", True, 2), ("pre", False, 0)):
        names = {layer.name for layer in transformer(norm=norm, final_norm=final).training.layers}
        assert len(names & {"encoder_norm", "decoder_norm"}) == wanted


# Dropout


def test_buckets_of_t5_look_ahead_in_the_encoder_only():
    views = transformer(position="t5")
    encoder, decoder = (views.training.get_layer(f"{side}_0") for side in ("encoder", "decoder"))
    assert encoder.attention.position.bidirectional
    assert not decoder.self_attention.position.bidirectional


@pytest.mark.parametrize("side", ["encoder", "decoder"])
@pytest.mark.parametrize("field", ["dropout", "attention_dropout", "activation_dropout"])
def test_each_dropout_alone_acts_in_training_only(side, field):
    inputs, none = {"source": SOURCE, "target": TARGET}, {"dropout": 0.0}
    plain = transformer(encoder=none, decoder=none).training
    given = {"encoder": dict(none), "decoder": dict(none)}
    given[side][field] = 0.5
    training = transformer(**given).training
    same(numpy(training(inputs)), numpy(plain(inputs)))
    same(numpy(plain(inputs, training=True)), numpy(plain(inputs)))
    assert abs(numpy(training(inputs, training=True)) - numpy(plain(inputs))).max() > 0.01


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_dropout_is_of_embeddings_and_of_what_attention_and_network_put_out(side):
    training = transformer(dropout=0.5).training
    inner = training.get_layer(f"{side}_0")
    around = [inner.around_attention, inner.around_feed_forward]
    around += [inner.around_self] if side == "decoder" else []
    assert [residual.drop.rate for residual in around] == [0.5] * len(around)
    embedded = keras.Model(training.inputs, training.get_layer(f"{side}_dropout").output)
    inputs = {"source": SOURCE, "target": TARGET}
    assert (numpy(embedded(inputs)) != 0).all()
    assert 0.3 < (numpy(embedded(inputs, training=True)) == 0).mean() < 0.7


# Any encoder with any decoder

NONE = {"dropout": 0.0}
ENCODERS = {"rnn": RNNEncoder(units=7, embedding=5, **NONE), "transformer": TransformerEncoder(**SIZES, **NONE)}
DECODERS = {
    "rnn": RNNDecoder(units=11, embedding=13, **NONE),
    "fixed": RNNDecoder(units=11, embedding=13, attention=None, fixed_vector="every_step", **NONE),
    "transformer": TransformerDecoder(**SIZES, **NONE),
    "additive": TransformerDecoder(**SIZES, **NONE, attention="additive"),
}
PAIRS = [("transformer", name) for name in DECODERS] + [("rnn", "transformer"), ("rnn", "additive")]


@pytest.mark.parametrize(("encoder", "decoder"), PAIRS)
def test_any_encoder_trains_with_any_decoder_in_plain_keras(encoder, decoder):
    training = filled(ENCODERS[encoder], DECODERS[decoder]).training
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    training.compile(keras.optimizers.SGD(0.05), loss, jit_compile=False)
    before = [numpy(weight) for weight in training.trainable_weights]
    labels = np.array([[9, 17, 30, 6, 3], [21, 8, 3, 0, 0]])
    history = training.fit({"source": SOURCE, "target": TARGET}, labels, epochs=2, batch_size=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    still = [
        weight.path
        for weight, old in zip(training.trainable_weights, before, strict=True)
        if (numpy(weight) == old).all()
    ]
    assert not still


# What cannot be


BOTH = [
    ({"width": 13, "heads": 3}, r"heads: expected a divisor of width \(13\), got 3"),
    ({"layers": 0}, "layers: expected at least 1, got 0"),
    ({"feed_forward": 0}, "feed_forward: expected at least 1, got 0"),
    ({"self_window": 0}, "self_window: expected at least 1, got 0"),
    ({"dropout": 1.0}, r"dropout: expected at least 0 and below 1, got 1\.0"),
    ({"attention_dropout": -0.1}, r"attention_dropout: expected at least 0 and below 1, got -0\.1"),
    ({"activation_dropout": 1.5}, r"activation_dropout: expected at least 0 and below 1, got 1\.5"),
    ({"activation": "swish"}, "activation: expected one of 'relu', 'gelu', 'swiglu', got 'swish'"),
    ({"norm": "both"}, "norm: expected one of 'pre', 'post', got 'both'"),
    ({"position": "sin"}, "position: expected one of 'sine', 'learned', 'rotary', .*'alibi', got 'sin'"),
    ({"self_attention": "dot"}, "self_attention: expected one of 'multi_head', .*'sliding_window', got 'dot'"),
    ({"position": "rotary", "width": 9, "heads": 3}, "width: .*even.*rotary"),
    ({"self_attention": "grouped_query", "heads": 4, "key_heads": 3}, r"key_heads: expected a divisor of heads \(4\)"),
]


@pytest.mark.parametrize(("fields", "message"), BOTH)
@pytest.mark.parametrize("make", [TransformerEncoder, TransformerDecoder])
def test_sizes_that_make_no_sense_are_told_at_once(make, fields, message):
    with pytest.raises(UserError, match=message):
        make(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"attention": "adaptive"}, "attention: expected one of 'additive', .*'multi_head', got 'adaptive'"),
        ({"attention": None}, "attention: expected one of .*, got None"),
        ({"weighing": "hard"}, "weighing: expected one of 'softmax', .*, got 'hard'"),
        ({"window": "wide"}, "window: expected one of 'local_monotonic', 'local_predictive', None, got 'wide'"),
        ({"weighing": "sparsemax"}, "weighing: each head of attention='multi_head' .*'scaled_dot'"),
        ({"window": "local_monotonic"}, "window: each head of attention='multi_head' .*'scaled_dot'"),
        ({"top_k": 0}, "top_k: expected at least 1, got 0"),
    ],
)
def test_a_decoder_says_what_cannot_be(fields, message):
    with pytest.raises(UserError, match=message):
        TransformerDecoder(**fields)


def test_there_is_no_size_of_another_name():
    with pytest.raises(UserError, match="name: expected one of 'tiny', 'small', 'base', 'big', got 'huge'"):
        TransformerEncoder.sized("huge")
    with pytest.raises(UserError, match=r"heads: expected a divisor of width \(128\), got 3"):
        TransformerEncoder.sized("tiny", heads=3)


@pytest.mark.parametrize("attention", ["dot", "scaled_dot", "cosine"])
def test_scorings_that_multiply_part_by_part_need_one_width(attention):
    encoder, decoder = RNNEncoder(units=7), TransformerDecoder(**SIZES, attention=attention)
    message = f"attention: '{attention}' multiplies .* the query is 12 wide and the annotations 14; .*'general'"
    with pytest.raises(UserError, match=message):
        seq2seq(encoder, decoder, 31, 37)


@pytest.mark.parametrize(
    ("share", "tied", "tables"),
    [
        (False, False, {"source", "target", "logits"}),
        (False, True, {"source", "target"}),
        (True, False, {"target", "logits"}),
        (True, True, {"target"}),
        ("softmax", True, {"source", "target"}),
    ],
)
def test_any_of_three_tables_are_one(share, tied, tables):
    views = transformer(decoder={"tied": tied}, share_embeddings=share)
    names = {layer.name for layer in views.training.layers}
    found = names & {"source_embedding", "target_embedding", "logits"}
    assert {name.removesuffix("_embedding") for name in found} == tables
    before = numpy(views.training({"source": SOURCE, "target": TARGET}))
    side = "source" if share == "softmax" else "target"
    table = views.training.get_layer(f"{side}_embedding").embeddings
    unread = 22  # neither in a source nor in a target
    table.assign(np.where(np.arange(VOCABULARY)[:, None] == unread, 3.0, 1.0) * numpy(table))
    after = numpy(views.training({"source": SOURCE, "target": TARGET}))
    same(after[..., unread], (3 if tied else 1) * before[..., unread], 1e-5)
    same(np.delete(after, unread, -1), np.delete(before, unread, -1))


def test_a_softmax_with_weights_of_its_own_shares_nothing():
    with pytest.raises(UserError, match="share_embeddings: 'softmax' needs a softmax without weights"):
        transformer(decoder={"tied": False}, share_embeddings="softmax")


def test_shared_embeddings_need_one_width():
    with pytest.raises(UserError, match=r"share_embeddings: .* got 31 x 12 and 31 x 16; "):
        seq2seq(TransformerEncoder(**SIZES), TransformerDecoder(width=16), 31, 31, share_embeddings=True)
