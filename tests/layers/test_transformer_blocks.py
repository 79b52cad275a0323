"""Encoder and decoder block beside loops over the paper's equations, and a decoder's block in pieces."""

from __future__ import annotations

import numpy as np
import paper_transformer as paper
import pytest
from catalogue import fill, numpy, same

from keras_attn.layers import (
    Attention,
    DecoderBlock,
    EncoderBlock,
    FeedForward,
    GeneralScoring,
    MultiHeadAttention,
    RotaryPositions,
    ScoredReader,
)

precisely = pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
norms = pytest.mark.parametrize("norm", ["pre", "post"])
readers = pytest.mark.parametrize("reads", ["heads", "scored"])
HEADS, WIDTH, FEATURES = 3, 12, 7
MASK = np.arange(5) < np.array([5, 3])[:, None]  # what the memory has


def numbers(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def heads(**more):
    return MultiHeadAttention(HEADS, 4, **more)


def encoder(norm, activation="relu", dtype="float32", position=None, **more):
    parts = heads(dtype=dtype, position=position), FeedForward(17, activation, dtype=dtype)
    block = EncoderBlock(*parts, norm, dtype=dtype, **more)
    block.build((None, None, WIDTH))
    fill(block.weights)
    return block


def decoder(norm="pre", reads="heads", activation="relu", dtype="float32", **more):
    # General scoring: its keys are values times a matrix, so they can stand in the loop as they are.
    scored = ScoredReader(Attention(GeneralScoring(WIDTH, dtype=dtype), dtype=dtype), dtype=dtype)
    reader = {"heads": heads(dtype=dtype), "scored": scored}[reads]
    block = DecoderBlock(
        heads(dtype=dtype), reader, FeedForward(17, activation, dtype=dtype), norm, dtype=dtype, **more
    )
    block(numbers(2, 3, WIDTH, dtype=dtype), memory(reads, dtype))
    fill(block.weights)
    return block


def memory(reads="heads", dtype="float32"):
    key, value = {"heads": ((2, HEADS, 5, 4),) * 2, "scored": ((2, 5, WIDTH), (2, 5, FEATURES))}[reads]
    return {"key": numbers(*key, dtype=dtype), "value": numbers(*value, seed=1, dtype=dtype)}


def looked(block, given, index):
    """What reads the memory of one example, as a loop: queries (n, width) -> output, weights (heads, n, 5)."""
    reader, (keys, values) = block.attention, (given[name][index].astype("float64") for name in ("key", "value"))

    def heads(queries):
        lengthwise = (leaf.swapaxes(0, 1) for leaf in (keys, values))  # (5, heads, width)
        return paper.read(reader, queries, *lengthwise, np.tile(MASK[index], (len(queries), 1)))

    def scored(queries):
        scores = np.where(MASK[index], queries @ keys.T, -np.inf)
        weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        return paper.affine(reader.project_output, weights @ values), weights[None]

    return scored if isinstance(reader, ScoredReader) else heads


@precisely
@norms
@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_an_encoder_block_is_the_loop(norm, activation, dtype, tolerance):
    block, x = encoder(norm, activation, dtype), numbers(2, 5, WIDTH, dtype=dtype)
    same(numpy(block(x)), np.array([paper.encoder_block(block, one) for one in x.astype("float64")]), tolerance)
    found = numpy(block(x, mask=MASK))
    for index, sees in enumerate(MASK):
        same(found[index], paper.encoder_block(block, x[index].astype("float64"), mask=sees), tolerance)
    assert found.dtype == dtype


def test_positions_inside_attention_are_in_the_loop_too():
    block, x = encoder("pre", dtype="float64", position=RotaryPositions()), numbers(2, 5, WIDTH, dtype="float64")
    same(numpy(block(x)), np.array([paper.encoder_block(block, one, rotary=True) for one in x]), 1e-10)


@precisely
@norms
@readers
def test_a_decoder_block_is_the_loop(norm, reads, dtype, tolerance):
    block, given = decoder(norm, reads, "gelu", dtype), memory(reads, dtype)
    x = numbers(2, 3, WIDTH, seed=5, dtype=dtype)
    found, weights, cache = numpy(block(x, given, source_mask=MASK))
    for index in range(2):
        wanted = paper.decoder_block(block, x[index].astype("float64"), looked(block, given, index))
        same((found[index], weights[index]), wanted, tolerance)
    assert (weights[1, ..., 3:] == 0).all()
    assert {name: leaf.shape for name, leaf in cache.items()} == {"key": (2, HEADS, 3, 4), "value": (2, HEADS, 3, 4)}
    assert found.dtype == dtype


@readers
@norms
@pytest.mark.parametrize("room", [3, 7])
@pytest.mark.parametrize("cuts", [(1, 1, 1), (2, 1), (3,)], ids=str)
def test_a_decoder_block_gives_in_pieces_what_it_gives_at_once(norm, reads, cuts, room):
    block, given = decoder(norm, reads), memory(reads)
    x = numbers(2, 3, WIDTH, seed=5)
    wanted, wanted_weights, whole = numpy(block(x, given, source_mask=MASK))
    cache, start, outputs, weights = block.self_attention.start(2, room), 0, [], []
    for n in cuts:
        output, seen, cache = block(x[:, start : start + n], given, source_mask=MASK, position=start, cache=cache)
        outputs.append(numpy(output))
        weights.append(numpy(seen))
        start += n
    same((np.concatenate(outputs, 1), np.concatenate(weights, 2)), (wanted, wanted_weights), 2e-6)
    cache = numpy(cache)
    same({name: leaf[:, :, :3] for name, leaf in cache.items()}, whole, 2e-6)
    assert not any(leaf[:, :, 3:].any() for leaf in cache.values())


@readers
@pytest.mark.parametrize("n", [1, 2])
def test_several_rows_read_the_memory_of_their_sentence(reads, n):
    block, given = decoder(reads=reads), memory(reads)
    x, cache = numbers(6, n, WIDTH, seed=5), block.self_attention.start(6, 4)
    repeated = {name: np.repeat(leaf, 3, axis=0) for name, leaf in given.items()}
    wanted = numpy(block(x, repeated, source_mask=np.repeat(MASK, 3, axis=0), position=0, cache=cache))
    found = numpy(block(x, given, source_mask=MASK, position=0, cache=cache))
    same(found[:2], wanted[:2], 2e-6)
    same(found[2], wanted[2], 2e-6)
    empty = {name: leaf[:0] for name, leaf in given.items()}
    nobody = block(x[:0], empty, source_mask=MASK[:0], cache=block.self_attention.start(0, 4))
    assert numpy(nobody)[0].shape == (0, n, WIDTH)


@readers
def test_what_the_mask_of_the_memory_hides_does_not_matter(reads):
    block, x, given = decoder(reads=reads), numbers(2, 3, WIDTH, seed=5), memory(reads)
    first = numpy(block(x, given, source_mask=MASK))
    for leaf in given.values():
        (leaf.swapaxes(1, 2) if leaf.ndim == 4 else leaf)[~MASK] += 3
    same(numpy(block(x, given, source_mask=MASK)), first)
    assert abs(numpy(block(x, given))[0] - first[0]).max() > 0.01


def test_parts_of_a_block_with_a_seed_drop_other_places():
    feed_forward = FeedForward(16)
    encoder = EncoderBlock(MultiHeadAttention(2, 4), feed_forward, dropout=0.5, seed=3)
    decoder = DecoderBlock(MultiHeadAttention(2, 4), MultiHeadAttention(2, 4), feed_forward, dropout=0.5, seed=3)
    parts = (encoder.around_attention, encoder.around_feed_forward)
    others = (decoder.around_self, decoder.around_attention, decoder.around_feed_forward)
    for together in (parts, others):
        masks = [numpy(part(np.zeros((2, 3, 8)), np.ones((2, 3, 8)), training=True)) for part in together]
        assert len({mask.tobytes() for mask in masks}) == len(together)


@norms
def test_dropout_of_blocks_acts_in_training_only(norm):
    x, given = numbers(2, 3, WIDTH), memory()
    for make, call in (
        (encoder, lambda block, **more: block(x, **more)),
        (decoder, lambda block, **more: block(x, given, **more)[0]),
    ):
        plain, dropping = make(norm), make(norm, dropout=0.5, seed=3)
        same(numpy(call(dropping)), numpy(call(plain)))
        same(numpy(call(plain, training=True)), numpy(call(plain)))
        assert abs(numpy(call(dropping, training=True)) - numpy(call(plain))).max() > 0.1
