"""Encoder and decoder block beside PyTorch's and KerasHub's, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import fill, numpy, same

from keras_attn.layers import DecoderBlock, EncoderBlock, FeedForward, MemoryHeads, MultiHeadAttention

norms = pytest.mark.parametrize("norm", ["pre", "post"])
activations = pytest.mark.parametrize("activation", ["relu", "gelu"])
HEADS, HEAD_DIM, HIDDEN = 3, 4, 17  # sqrt(4) is 2; of other widths Keras' float64 knows the root in float32 only
WIDTH = HEADS * HEAD_DIM
RANDOM = np.random.default_rng(0)
SOURCE, TARGET = RANDOM.normal(size=(2, 5, WIDTH)), RANDOM.normal(size=(2, 3, WIDTH))
MASK = np.arange(5) < np.array([5, 3])[:, None]


def heads():
    return MultiHeadAttention(HEADS, HEAD_DIM, dtype="float64")


def encoder(norm, activation):
    block = EncoderBlock(heads(), FeedForward(HIDDEN, activation, dtype="float64"), norm, dtype="float64")
    block.build((None, None, WIDTH))
    fill(block.weights)
    return block


def decoder(norm, activation):
    """The block, and the layer that makes its memory."""
    parts = heads(), heads(), FeedForward(HIDDEN, activation, dtype="float64")
    block, memory = DecoderBlock(*parts, norm, dtype="float64"), MemoryHeads(1, HEADS, HEAD_DIM, dtype="float64")
    block(TARGET, memory(SOURCE)[0])
    fill(block.weights)
    fill(memory.weights, seed=1)
    return block, memory


def projections(attention, memory=None):
    """Kernel and bias by name. Keys have no bias here; where others have one it changes nothing: we give it any."""
    dense = {name: getattr(attention, f"project_{name}", None) for name in ("query", "key", "value", "output")}
    found = {name: [numpy(weight) for weight in one.weights] for name, one in dense.items() if one is not None}
    if memory is not None:
        found |= {"key": [numpy(memory.key_kernel)], "value": [numpy(memory.value_kernel), numpy(memory.value_bias)]}
    return {**found, "key": [*found["key"], np.full(WIDTH, 0.3)]}


# PyTorch


def to_torch(torch, layer, attentions, feed_forward, norms):
    """Carry the weights over; PyTorch's matrices stand on their side."""
    state = {}
    for name, found in attentions.items():
        kernels, biases = zip(*(found[part] for part in ("query", "key", "value")), strict=True)
        state[f"{name}.in_proj_weight"] = np.concatenate(kernels, 1).T
        state[f"{name}.in_proj_bias"] = np.concatenate(biases)
        state[f"{name}.out_proj.weight"], state[f"{name}.out_proj.bias"] = found["output"][0].T, found["output"][1]
    for index, dense in enumerate((feed_forward.widen, feed_forward.narrow), 1):
        state[f"linear{index}.weight"], state[f"linear{index}.bias"] = numpy(dense.kernel).T, numpy(dense.bias)
    for index, residual in enumerate(norms, 1):
        gamma, beta = residual.normalize.get_weights()
        state[f"norm{index}.weight"], state[f"norm{index}.bias"] = gamma, beta
    layer.load_state_dict({name: torch.tensor(np.ascontiguousarray(array)) for name, array in state.items()})
    return layer.eval()


def torch_layer(torch, kind, norm, activation):
    more = {"norm_first": norm == "pre", "layer_norm_eps": 1e-6, "batch_first": True, "dtype": torch.float64}
    kinds = {"encoder": torch.nn.TransformerEncoderLayer, "decoder": torch.nn.TransformerDecoderLayer}
    return kinds[kind](WIDTH, HEADS, HIDDEN, 0.0, activation, **more)


def imported():
    return pytest.importorskip("torch", reason="PyTorch is not installed; `pip install torch` to compare with it")


@norms
@activations
def test_an_encoder_block_agrees_with_pytorch(norm, activation):
    torch, block = imported(), encoder(norm, activation)
    attentions = {"self_attn": projections(block.attention)}
    residuals = block.around_attention, block.around_feed_forward
    other = to_torch(torch, torch_layer(torch, "encoder", norm, activation), attentions, block.feed_forward, residuals)
    with torch.no_grad():
        found = other(torch.tensor(SOURCE), src_key_padding_mask=torch.tensor(~MASK)).numpy()
    same(numpy(block(SOURCE, mask=MASK))[MASK], found[MASK], 1e-10)


@norms
@activations
def test_a_decoder_block_agrees_with_pytorch(norm, activation):
    torch, (block, memory) = imported(), decoder(norm, activation)
    attentions = {
        "self_attn": projections(block.self_attention),
        "multihead_attn": projections(block.attention, memory),
    }
    residuals = block.around_self, block.around_attention, block.around_feed_forward
    other = to_torch(torch, torch_layer(torch, "decoder", norm, activation), attentions, block.feed_forward, residuals)
    hidden = {"tgt_mask": torch.tensor(~np.tri(3, dtype=bool)), "memory_key_padding_mask": torch.tensor(~MASK)}
    with torch.no_grad():
        found = other(torch.tensor(TARGET), torch.tensor(SOURCE), **hidden).numpy()
    same(numpy(block(TARGET, memory(SOURCE)[0], source_mask=MASK)[0]), found, 1e-10)


# KerasHub


def to_hub(layer, attentions, feed_forward, norms):
    for name, found in attentions.items():
        attention = getattr(layer, f"_{name}_layer")
        for part, weights in found.items():
            dense = getattr(attention, f"_{part}_dense")
            dense.set_weights([array.reshape(into.shape) for array, into in zip(weights, dense.weights, strict=True)])
    layer._feedforward_intermediate_dense.set_weights(feed_forward.widen.get_weights())
    layer._feedforward_output_dense.set_weights(feed_forward.narrow.get_weights())
    for name, residual in norms.items():
        getattr(layer, f"_{name}_layer_norm").set_weights(residual.normalize.get_weights())
    return layer


def hub_layer(kind, norm, activation):
    reason = "KerasHub is not installed; `pip install keras-hub` to compare with it"
    kinds = pytest.importorskip("keras_hub.layers", reason=reason)
    more = {"layer_norm_epsilon": 1e-6, "normalize_first": norm == "pre", "dtype": "float64"}
    return getattr(kinds, f"Transformer{kind}")(HIDDEN, HEADS, activation=activation, **more)


@norms
def test_an_encoder_block_agrees_with_kerashub(norm):
    block, other = encoder(norm, "relu"), hub_layer("Encoder", norm, "relu")
    other.build(SOURCE.shape)
    residuals = {"self_attention": block.around_attention, "feedforward": block.around_feed_forward}
    to_hub(other, {"self_attention": projections(block.attention)}, block.feed_forward, residuals)
    same(numpy(block(SOURCE, mask=MASK)), numpy(other(SOURCE, padding_mask=MASK)), 1e-10)


@norms
def test_a_decoder_block_agrees_with_kerashub(norm):
    (block, memory), other = decoder(norm, "relu"), hub_layer("Decoder", norm, "relu")
    other.build(TARGET.shape, SOURCE.shape)
    attentions = {
        "self_attention": projections(block.self_attention),
        "cross_attention": projections(block.attention, memory),
    }
    residuals = {
        "self_attention": block.around_self,
        "cross_attention": block.around_attention,
        "feedforward": block.around_feed_forward,
    }
    to_hub(other, attentions, block.feed_forward, residuals)
    found = numpy(other(TARGET, SOURCE, encoder_padding_mask=MASK))
    same(numpy(block(TARGET, memory(SOURCE)[0], source_mask=MASK)[0]), found, 1e-10)
