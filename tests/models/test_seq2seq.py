"""What a composed model is made of, where its first state comes from, and what cannot be composed."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from catalogue import (
    KEY_LENGTHS,
    MODELS,
    RECURRENT,
    every_model,
    every_recurrent,
    numpy,
    over,
    same,
    step,
)
from paper_decoder import PaperDecoder, maxout

from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, seq2seq

ROWS = {row.name: row for row in MODELS}
LAST = (np.arange(2), np.array(KEY_LENGTHS) - 1)  # of each source, its last word


def annotations(views, row):
    """What the top encoder layer says of each word, (batch, source_length, features)."""
    top = views.encoder.get_layer(f"encoder_{row.encoder.layers - 1}")
    sequence, *_ = keras.Model(views.encoder.input, top.output)(row.source())
    return numpy(sequence)


@every_recurrent
def test_the_first_state_is_a_tanh_layer_over_what_the_encoder_read_last(row):
    views, units = row.views(), row.encoder.units
    encoded, sequence = numpy(views.encoder(row.source())), annotations(views, row)
    forward, backward = sequence[LAST][:, :units], sequence[:, 0, units:]
    if not row.encoder.bidirectional:
        summary = forward
    elif row.attends:
        summary = backward  # the paper: the backward state at the first word has read the whole source
    else:
        summary = np.concatenate([forward, backward], -1)
    assert len(encoded["state"]["decoder"]) == row.decoder.layers * (1 + (row.decoder.cell == "lstm"))
    for index, leaf in enumerate(encoded["state"]["decoder"]):
        kernel, bias = views.encoder.get_layer(f"first_state_{index}").get_weights()
        same(leaf, np.tanh(summary @ kernel + bias), 1e-6)
    if row.decoder.fixed_vector == "every_step":
        same(encoded["memory"], {"vector": summary}, 1e-6)


@over([row for row in RECURRENT if row.attends])
def test_the_memory_is_the_annotations_their_projection_and_where_there_are_words(row):
    views = row.views()
    memory, sequence = numpy(views.encoder(row.source())["memory"]), annotations(views, row)
    same(memory["value"], sequence)
    assert memory["mask"].dtype == bool
    assert (memory["mask"] == (row.source() != 0)).all()
    (kernel,) = views.encoder.get_layer("key").get_weights()
    same(memory["key"], sequence @ kernel, 1e-6)


def test_the_whole_model_is_that_of_the_paper():
    """From ids to logits: embeddings, s_0, attention, gated units, maxout, softmax (here tied)."""
    row = ROWS["shared-deep-tied"]
    views = row.views()
    weights = {weight.path: numpy(weight).astype("float64") for weight in views.training.weights}
    (table,) = (weight for path, weight in weights.items() if "embedding" in path)
    memory = numpy(views.encoder(row.source())["memory"])
    paper = PaperDecoder(views.training.get_layer("decoder"), features=2 * row.encoder.units)
    kernel, bias = views.encoder.get_layer("first_state_0").get_weights()
    (deep,) = views.training.get_layer("deep_output").get_weights()
    logits = numpy(views.training(row.inputs()))
    for index in range(2):
        h = memory["value"][index].astype("float64")
        s_0 = np.tanh(h[0, row.encoder.units :] @ kernel + bias)
        words = table[row.target()[index]]
        states, contexts, _ = paper.run(words, s_0, h, memory["mask"][index])
        outputs = [maxout(np.concatenate(parts) @ deep) for parts in zip(states, words, contexts, strict=True)]
        same(logits[index], outputs @ table.T, 5e-6)


@every_model
def test_the_views_are_one_set_of_weights(row):
    views = row.views()
    owned = {id(weight) for weight in views.training.weights}
    assert owned == {id(weight) for view in (views.encoder, views.step) for weight in view.weights}
    assert len(owned) == len(views.training.weights)


@every_model
def test_embeddings_are_tied_and_shared_as_asked(row):
    views, (source, target) = row.views(), row.vocabularies
    tables = [weight for weight in views.training.weights if "_embedding/" in weight.path]
    shapes = [(target, row.decoder.embedding)]
    shapes += [] if row.share_embeddings else [(source, row.encoder.embedding)]
    assert sorted(tuple(weight.shape) for weight in tables) == sorted(shapes)
    layers = {layer.name: layer for layer in views.training.layers}
    assert ("logits" in layers) != row.decoder.tied
    if not row.decoder.tied:
        wide = row.decoder.embedding if getattr(row.decoder, "deep_output", True) else row.decoder.units
        assert layers["logits"].kernel.shape == (wide, target)


def test_the_softmax_over_tied_embeddings_follows_the_table():
    row = ROWS["one-way-initial-tied"]
    views = row.fresh()
    before = numpy(views.training(row.inputs()))
    (table,) = [weight for weight in views.training.weights if "target_embedding" in weight.path]
    unused = next(i for i in range(4, 37) if i not in row.target())
    table.assign(np.where(np.arange(37)[:, None] == unused, 2.0, 1.0) * numpy(table))
    after = numpy(views.training(row.inputs()))
    same(after[..., unused], 2 * before[..., unused], 1e-5)
    same(np.delete(after, unused, -1), np.delete(before, unused, -1))


def test_the_paper_puts_the_reset_gate_before_the_matrix():
    cell = ROWS["gru-additive"].views().training.get_layer("decoder").cell.cell
    assert cell.reset_after is False
    default = keras.layers.GRUCell(3)
    assert default.reset_after is True


@over([row for row in MODELS if row.name in ("gru-additive", "lstm-every-step", "stacked", "shared-deep-tied")])
def test_dropout_acts_in_training_only(row):
    training = row.views().training
    same(numpy(training(row.inputs())), numpy(training(row.inputs(), training=False)))
    assert abs(numpy(training(row.inputs(), training=True)) - numpy(training(row.inputs()))).max() > 1e-3


def test_without_dropout_training_is_inference():
    row = ROWS["gru-additive"]
    none = dataclasses.replace(
        row,
        encoder=dataclasses.replace(row.encoder, dropout=0.0),
        decoder=dataclasses.replace(row.decoder, dropout=0.0),
    )
    training = none.fresh().training
    same(numpy(training(row.inputs(), training=True)), numpy(training(row.inputs())))


def test_recurrent_dropout_acts_in_training_only():
    row = ROWS["gru-additive"]
    encoder = dataclasses.replace(row.encoder, dropout=0.0, recurrent_dropout=0.5)
    views = dataclasses.replace(row, encoder=encoder).fresh()
    states = [numpy(views.encoder(row.source(), training=training)["state"]) for training in (False, True)]
    same(states[0], numpy(row.views().encoder(row.source())["state"]))
    assert abs(states[0]["decoder"][0] - states[1]["decoder"][0]).max() > 1e-4


def test_a_source_that_ends_in_padding_is_read_backward_from_its_last_word():
    row = ROWS["gru-additive"]
    views, source = row.views(), row.source()
    alone = numpy(views.encoder(source[1:, : KEY_LENGTHS[1]]))
    same(numpy(views.encoder(source))["state"]["decoder"][0][1:], alone["state"]["decoder"][0], 1e-6)


def test_attention_looks_before_the_step():
    """The weights of step i depend on s_{i-1}, so not on the word read in step i."""
    row = ROWS["gru-additive"]
    views, target = row.views(), row.target()
    encoded = views.encoder(row.source())
    other = target.copy()
    other[:, 0] = 9
    first, second = (numpy(step(views, given, **encoded)["weights"]["decoder"])[:, 0] for given in (target, other))
    same(first[:, 0], second[:, 0])
    assert abs(first[:, 1] - second[:, 1]).max() > 1e-5


# What cannot be composed


@pytest.mark.parametrize(
    ("vocabularies", "widths", "came"),
    [((31, 37), (5, 5), "31 x 5 and 37 x 5"), ((37, 37), (5, 7), "37 x 5 and 37 x 7")],
)
def test_shared_embeddings_need_one_table(vocabularies, widths, came):
    encoder, decoder = RNNEncoder(units=3, embedding=widths[0]), RNNDecoder(units=3, embedding=widths[1])
    message = f"share_embeddings: expected one vocabulary and one width on both sides, got {came}; .*shared=True"
    with pytest.raises(UserError, match=message):
        seq2seq(encoder, decoder, *vocabularies, share_embeddings=True)


def test_embeddings_are_shared_by_a_known_name():
    sizes = RNNEncoder(units=3, embedding=3), RNNDecoder(units=3, embedding=3, tied=True)
    with pytest.raises(UserError, match="share_embeddings: expected one of False, True, 'softmax', got 'source'"):
        seq2seq(*sizes, 11, 11, share_embeddings="source")


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"attention": "adaptive"}, "attention: expected one of 'additive', .*, None, got 'adaptive'"),
        ({"fixed_vector": "never"}, "fixed_vector: expected 'initial' or 'every_step', got 'never'"),
        ({"fixed_vector": "every_step"}, "fixed_vector: with attention .* give attention=None too"),
        ({"attention_units": 0}, "attention_units: expected at least 1 or None, got 0"),
        ({"units": 11, "embedding": 13, "tied": True}, r"tied: expected `units` \(11\) equal to `embedding` \(13\)"),
    ],
)
def test_a_decoder_says_what_cannot_be(sizes, message):
    with pytest.raises(UserError, match=message):
        RNNDecoder(**sizes)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"units": 0}, "units: expected at least 1, got 0"),
        ({"layers": -1}, "layers: expected at least 1, got -1"),
        ({"embedding": 0}, "embedding: expected at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout: expected at least 0 and below 1, got 1\.0"),
        ({"cell": "GRU"}, "cell: expected 'rnn', 'lstm' or 'gru', got 'GRU'"),
    ],
)
@pytest.mark.parametrize("make", [RNNEncoder, RNNDecoder])
def test_sizes_that_make_no_sense_are_told_at_once(make, sizes, message):
    with pytest.raises(UserError, match=message):
        make(**sizes)


def test_tied_embeddings_of_another_width_go_through_the_deep_output():
    assert RNNDecoder(units=11, embedding=13, tied=True, deep_output=True).tied
