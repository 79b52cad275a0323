"""The Transformer of Vaswani et al. 2017, in NumPy, written from the paper's equations, for one sentence at a time.

Functions take a layer for its weights and its sizes; what is computed with them is written out here.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from catalogue import numpy


def wide(weight):
    return numpy(weight).astype("float64")


def affine(dense, x):
    """x W + b."""
    return x @ wide(dense.kernel) + (0 if dense.bias is None else wide(dense.bias))


def normalized(norm, x):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, of every row (Ba et al. 2016, eq. 4)."""
    gamma, beta = (wide(weight) for weight in norm.weights)
    rows = []
    for row in x:
        mean = sum(row) / len(row)
        variance = sum((one - mean) ** 2 for one in row) / len(row)
        rows.append(gamma * (row - mean) / math.sqrt(variance + 1e-6) + beta)
    return np.array(rows)


def feed_forward(layer, x):
    """Eq. 2; Hendrycks and Gimpel 2016; Shazeer 2020, eq. 6."""
    if layer.activation == "swiglu":
        gate = affine(layer.gate, x)
        return affine(layer.narrow, gate / (1 + np.exp(-gate)) * affine(layer.widen, x))
    hidden = affine(layer.widen, x)
    if layer.activation == "relu":
        return affine(layer.narrow, np.maximum(hidden, 0))
    return affine(layer.narrow, hidden * np.vectorize(lambda one: (1 + math.erf(one / math.sqrt(2))) / 2)(hidden))


def apart(x, heads):
    """(length, heads * width) -> (length, heads, width)."""
    return x.reshape(len(x), heads, -1)


def turned(x, position):
    """Su et al. 2021, eq. 34, of one head's vector: each pair of numbers is a complex one."""
    pairs = x[0::2] + 1j * x[1::2]
    angles = position * 10000.0 ** (-2 * np.arange(len(pairs)) / len(x))
    pairs = pairs * np.exp(1j * angles)
    return np.stack([pairs.real, pairs.imag], -1).reshape(-1)


def read(layer, queries, keys, values, sees, rotary=False):
    """Eq. 1 and section 3.2.2. Queries (n, features), keys and values (length, heads, width), sees (n, length)."""
    asked = apart(affine(layer.project_query, queries), layer.heads)
    weights, contexts = np.zeros((layer.heads, *sees.shape)), np.zeros((len(queries), layer.heads, values.shape[-1]))
    for q, h in np.ndindex(asked.shape[:2]):
        query = turned(asked[q, h], q) if rotary else asked[q, h]
        scores = {}
        for k in np.flatnonzero(sees[q]):
            key = turned(keys[k, h], k) if rotary else keys[k, h]
            scores[k] = query @ key / math.sqrt(len(key))
        total = sum(map(math.exp, scores.values()))
        for k, score in scores.items():
            weights[h, q, k] = math.exp(score) / total
            contexts[q, h] += weights[h, q, k] * values[k, h]
    return affine(layer.project_output, contexts.reshape(len(queries), -1)), weights


def self_attention(layer, x, causal, rotary=False, mask=None):
    keys, values = (apart(affine(one, x), layer.heads) for one in (layer.project_key, layer.project_value))
    sees = np.tri(len(x), dtype=bool) if causal else np.ones((len(x), len(x)), bool)
    return read(layer, x, keys, values, sees & (True if mask is None else mask), rotary)[0]


def around(residual, x, f):
    """Section 5.4 (post); Xiong et al. 2020, section 3 (pre)."""
    if residual.norm == "pre":
        return x + f(normalized(residual.normalize, x))
    return normalized(residual.normalize, x + f(x))


def encoder_block(block, x, rotary=False, mask=None):
    """Section 3.1: x (length, width)."""
    x = around(block.around_attention, x, lambda y: self_attention(block.attention, y, False, rotary, mask))
    return around(block.around_feed_forward, x, lambda y: feed_forward(block.feed_forward, y))


def decoder_block(block, x, look, rotary=False):
    """Section 3.1: x (length, width); `look` is what reads the memory: queries -> output, weights."""
    x = around(block.around_self, x, lambda y: self_attention(block.self_attention, y, True, rotary))
    weights = []

    def looking(y):
        found, seen = look(y)
        weights.append(seen)
        return found

    x = around(block.around_attention, x, looking)
    return around(block.around_feed_forward, x, lambda y: feed_forward(block.feed_forward, y)), weights[0]


def waves(length, width):
    """Section 3.5."""
    places = np.zeros((length, width))
    for place, i in np.ndindex(length, width):
        angle = place / 10000 ** (2 * (i // 2) / width)
        places[place, i] = math.sin(angle) if i % 2 == 0 else math.cos(angle)
    return places


def logits(views, sizes, source, target, rotary=False):
    """The whole model for one sentence without padding, with one table of embeddings for all three uses.

    Source (source_length,) and target (target_length,) are ids; returns (target_length, vocabulary) and, for each
    decoder layer, weights (heads, target_length, source_length).
    """
    layer = views.training.get_layer
    (table,) = (wide(weight) for weight in views.training.weights if "_embedding/" in weight.path)

    def look(block, keys, values, queries):
        return read(block.attention, queries, keys, values, np.ones((len(queries), len(source)), bool))

    def words(ids):
        """Section 3.4: times sqrt(d_model)."""
        return table[ids] * math.sqrt(sizes.width) + (0 if rotary else waves(len(ids), sizes.width))

    h = words(source)
    for index in range(sizes.layers):
        h = encoder_block(layer(f"encoder_{index}"), h, rotary)
    h = normalized(layer("encoder_norm"), h) if sizes.norm == "pre" else h
    memory, x, seen = layer("memory_heads"), words(target), []
    wide_keys, wide_values = h @ wide(memory.key_kernel), h @ wide(memory.value_kernel) + wide(memory.value_bias)
    for index in range(sizes.layers):
        block, own = layer(f"decoder_{index}"), slice(index * sizes.width, (index + 1) * sizes.width)
        keys, values = apart(wide_keys[:, own], sizes.heads), apart(wide_values[:, own], sizes.heads)
        x, weights = decoder_block(block, x, functools.partial(look, block, keys, values), rotary)
        seen.append(weights)
    x = normalized(layer("decoder_norm"), x) if sizes.norm == "pre" else x
    return x @ table.T, seen
