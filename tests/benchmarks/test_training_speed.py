"""`benchmarks/training_speed.py`: do all sides train the same model, and are its products counted right?"""

from __future__ import annotations

import numpy as np
import pytest

from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, seq2seq

SIZES = {"layers": 2, "width": 12, "feed_forward": 20, "heads": 3, "norm": "post", "dropout": 0.3}
ENCODER, DECODER = TransformerEncoder(**SIZES), TransformerDecoder(**SIZES)
WIDTH, VOCABULARY = 12, 17
SOURCE = np.array([[5, 6, 7, 8, 3], [9, 10, 3, 0, 0]], "int32")
TARGET = np.array([[2, 11, 12, 13, 14, 15, 16], [2, 4, 5, 0, 0, 0, 0]], "int32")
INPUTS = {"source": SOURCE, "target": TARGET}
KEY_BIAS = np.full(WIDTH, 0.7, "float32")  # ours has none, as it changes nothing


def close(found, expected):
    real = TARGET != 0
    np.testing.assert_allclose(np.asarray(found)[real], expected[real], rtol=1e-4, atol=1e-4)


def shuffled(model):
    """No bias is 0 and no gain is 1 any more."""
    random = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(random.normal(weight.numpy(), 0.3).astype("float32"))
    return model


@pytest.fixture(scope="module")
def ours():
    model = shuffled(seq2seq(ENCODER, DECODER, VOCABULARY, VOCABULARY, share_embeddings=True).training)
    return model, model(INPUTS).numpy()


def dense(layer):
    return [weight.numpy() for weight in layer.weights]


def block(model, name, part):
    """One attention of a block as [kernel, bias] of query, key, value and output, and the norm behind it."""
    layer, index = model.get_layer(name), int(name[-1])
    if part == "feed_forward":
        inside = layer.feed_forward
        return [*dense(inside.widen), *dense(inside.narrow)], dense(layer.around_feed_forward.normalize)
    attention = layer.attention if name.startswith("encoder") else getattr(layer, part)
    query, output = dense(attention.project_query), dense(attention.project_output)
    if part == "self_attention":
        around = getattr(layer, "around_self", None) or layer.around_attention
        key, value = dense(attention.project_key), dense(attention.project_value)
    else:
        around, heads, own = layer.around_attention, model.get_layer("memory_heads"), slice(WIDTH * index, None)
        key, value, bias = (weight.numpy()[..., own][..., :WIDTH] for weight in heads.weights)
        key, value = [key], [value, bias]
    return [*query, *key, KEY_BIAS, *value, *output], dense(around.normalize)


def assign(layer, values):
    layer.set_weights([value.reshape(weight.shape) for value, weight in zip(values, layer.weights, strict=True)])


def blocks():
    for side in ("encoder", "decoder"):
        for index in range(2):
            yield f"{side}_{index}", [("self", "self_attention"), ("cross", "attention")][: 1 + (side == "decoder")]


def test_layers_of_keras_make_the_same_model(script, ours):
    model, expected = ours
    peer = script("peers").keras_transformer(ENCODER, DECODER, VOCABULARY)
    assign(peer.get_layer("embedding"), dense(model.get_layer("target_embedding")))
    for name, attentions in blocks():
        for theirs, part in attentions:
            values, norm = block(model, name, part)
            assign(peer.get_layer(f"{name}_{theirs}"), values)
            assign(peer.get_layer(f"{name}_{theirs}_norm"), norm)
        values, norm = block(model, name, "feed_forward")
        assign(peer.get_layer(f"{name}_feed_forward_widen"), values[:2])
        assign(peer.get_layer(f"{name}_feed_forward_narrow"), values[2:])
        assign(peer.get_layer(f"{name}_feed_forward_norm"), norm)
    close(peer(INPUTS), expected)


def test_keras_hub_makes_the_same_model_without_dropout_of_weights(script, ours):
    pytest.importorskip("keras_hub", reason="a peer that is not needed")
    model, expected = ours
    peer = script("peers").hub_transformer(ENCODER, DECODER, VOCABULARY)
    assign(peer.get_layer("embedding"), dense(model.get_layer("target_embedding")))
    for name, attentions in blocks():
        layer = peer.get_layer(name)
        for theirs, part in attentions:
            own = {"self": "_self_attention_layer", "cross": "_cross_attention_layer"}[theirs]
            values, norm = block(model, name, part)
            assert getattr(layer, own).dropout == 0
            assign(getattr(layer, own), values)
            assign(getattr(layer, f"{own}_norm"), norm)
        values, norm = block(model, name, "feed_forward")
        assign(layer._feedforward_intermediate_dense, values[:2])
        assign(layer._feedforward_output_dense, values[2:])
        assign(layer._feedforward_layer_norm, norm)
    close(peer(INPUTS), expected)


def test_torch_makes_the_same_model(script, ours):
    torch = pytest.importorskip("torch", reason="a peer that is not needed")
    model, expected = ours
    peer = script("torch_peer").TorchTransformer(ENCODER, DECODER, VOCABULARY).eval()

    def put(parameter, value):
        parameter.data = torch.from_numpy(np.ascontiguousarray(value))

    put(peer.embed.weight, *dense(model.get_layer("target_embedding")))
    for name, attentions in blocks():
        layer = getattr(peer.transformer, name[:-2]).layers[int(name[-1])]
        for number, (theirs, part) in enumerate(attentions):
            (q, qb, k, kb, v, vb, o, ob), norm = block(model, name, part)
            attention = layer.self_attn if theirs == "self" else layer.multihead_attn
            put(attention.in_proj_weight, np.concatenate([q, k, v], 1).T)
            put(attention.in_proj_bias, np.concatenate([qb, kb, vb]))
            put(attention.out_proj.weight, o.T)
            put(attention.out_proj.bias, ob)
            put(getattr(layer, f"norm{number + 1}").weight, norm[0])
            put(getattr(layer, f"norm{number + 1}").bias, norm[1])
        (wide, wide_bias, narrow, narrow_bias), norm = block(model, name, "feed_forward")
        last = getattr(layer, f"norm{len(attentions) + 1}")
        for linear, kernel, bias in ((layer.linear1, wide, wide_bias), (layer.linear2, narrow, narrow_bias)):
            put(linear.weight, kernel.T)
            put(linear.bias, bias)
        put(last.weight, norm[0])
        put(last.bias, norm[1])
    with torch.no_grad():
        close(peer(torch.from_numpy(SOURCE), torch.from_numpy(TARGET)), expected)


def test_a_cell_of_layers_of_keras_makes_the_same_gru(script):
    encoder, decoder = RNNEncoder(units=6, embedding=5), RNNDecoder(units=7, embedding=5, deep_output=True, tied=True)
    model = shuffled(seq2seq(encoder, decoder, VOCABULARY, 19).training)
    peer = script("peers").keras_gru(encoder, decoder, VOCABULARY, 19)
    cell, own = peer.get_layer("decoder").cell, model.get_layer("decoder").cell
    scoring = own.attention.scoring
    pairs = [
        (peer.get_layer("source_embedding"), dense(model.get_layer("source_embedding"))),
        (peer.get_layer("embedding"), dense(model.get_layer("target_embedding"))),
        (peer.get_layer("encoder"), dense(model.get_layer("encoder_0"))),
        (peer.get_layer("keys"), dense(scoring.project_key)),
        (peer.get_layer("first_state"), dense(model.get_layer("first_state_0"))),
        (peer.get_layer("deep_output"), dense(model.get_layer("deep_output"))),
        (cell.gru, dense(own.cell)),
        (cell.project, dense(scoring.project_query)),
        (cell.score, [scoring.v.numpy()]),
    ]
    for layer, values in pairs:
        assign(layer, values)
    assert peer.count_params() == model.count_params()
    close(peer(INPUTS), model(INPUTS).numpy())


def test_operations_are_those_of_the_products_one_by_one(script, ours):
    products = script("products")
    padded, real = products.Load.padded(INPUTS), products.Load.real(INPUTS)
    rows, source, target = 2, 5, 7
    dense_layers = 2 * rows * source * (4 * 144 + 2 * 240)  # encoder: four of attention, two of feed-forward
    dense_layers += 2 * rows * source * 2 * 144  # keys and values of what the decoder reads
    dense_layers += 2 * rows * target * (4 * 144 + 2 * 144 + 2 * 240) + rows * target * WIDTH * VOCABULARY
    attention = 2 * rows * (source**2 + target**2 + source * target) * WIDTH * 2  # scores, and weights x values
    assert products.dense_operations(ours[0], padded) == 6 * dense_layers
    assert products.attention_operations(ENCODER, DECODER, padded) == 6 * attention
    assert (real.source, real.target) == (5 + 3, 7 + 3)
    assert real.source_pairs == 25 + 9
    assert real.cross_pairs == 5 * 7 + 3 * 3
    assert real.target_pairs == sum(range(1, 8)) + sum(range(1, 4))  # a word sees itself and those before


def test_products_alone_have_the_operations_that_are_counted(script, ours):
    products = script("products")
    shapes = [(2, 5, 7), (3, 4, 3)]
    alone = script("products_alone").ProductsAlone(ours[0], ENCODER, DECODER, shapes)
    for rows, source, target in shapes:
        count = 0
        for operands in alone.operands(rows, source, target):
            if len(operands) == 3:
                x, w, y = operands
                assert (x.shape[0], w.shape[1]) == tuple(y.shape)
                count += 6 * x.shape[0] * x.shape[1] * w.shape[1]
            else:
                q, k = operands[:2]
                assert operands[4].shape == (q.shape[0], q.shape[1], k.shape[1])
                count += 12 * q.shape[0] * q.shape[1] * k.shape[1] * q.shape[2]
        inputs = {"source": np.ones((rows, source)), "target": np.ones((rows, target))}
        load = products.Load.padded(inputs)
        expected = products.dense_operations(ours[0], load)
        assert count == expected + products.attention_operations(ENCODER, DECODER, load)
        found = alone.function(jit=False)(alone.operands(rows, source, target))
        assert len(found) == 3 * len(alone.dense) + 6 * len(alone.attention)


def test_the_better_of_plain_and_compiled_counts(script):
    tables = script("speed_tables")
    times = {("ours", False): [200.0] * 4, ("ours", True): [100.0] * 4, ("peer", False): [150.0] * 4}
    weights, seconds = {"ours": 5, "peer": 5}, {("ours", False): 1, ("ours", True): 9, ("peer", False): 2}
    rows = list(tables.rates(times, weights, seconds, [10, 20, 30, 40]))
    assert rows[0][1:3] == ("125 / 250", "1.00")
    assert rows[1][1:4] == ("167 / -", "1.50", "1.50 - 1.50")


def test_a_race_in_small_trains_all_sides(script):
    speed = script("training_speed")
    random = np.random.default_rng(0)

    def batch(rows, source, target):
        inputs = {"source": random.integers(3, 17, (rows, source), "int32")}
        inputs["target"] = random.integers(3, 17, (rows, target), "int32")
        return inputs, inputs["target"], np.ones((rows, target), "float32")

    one = {**SIZES, "layers": 1}
    sizes = TransformerEncoder(**one), TransformerDecoder(**one)
    warm = [batch(2, 5, 7)]
    task = speed.Task(*sizes, VOCABULARY, VOCABULARY, True, warm, warm * 6)
    times, weights, seconds = speed.race(task, "gemm", speed.Settings(rounds=4))
    assert set(weights) == {"ours"}
    assert {name for name, _ in times} == {"ours", "weights' products", "all products"}
    assert all(len(found) == 4 for found in times.values())
    tables = script("speed_tables")
    assert len(list(tables.rates(times, weights, seconds, task.tokens))) == 1
    assert len(list(tables.shares(times, speed.ours(task), *sizes, task.inputs))) == 4


def test_unequal_models_are_no_race(script):
    speed = script("training_speed")
    task = speed.Task(ENCODER, DECODER, VOCABULARY, VOCABULARY, True, [], [])
    speed.agree("keras.layers", 1000 + 12 * 6, 1000, task, "transformer")
    with pytest.raises(AssertionError, match=r"expected 1,000 weights and 72 biases of keys, got 1,000"):
        speed.agree("keras.layers", 1000, 1000, task, "transformer")
