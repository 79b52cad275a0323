"""KerasHub's samplers over a Transformer of its layers, for `decoding_speed.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import peers
import tensorflow as tf
from decoding_sides import alone
from keras import ops

from keras_attn.export.one_thread import graph


def hub(
    encoder: Any, decoder: Any, vocabulary: int, beam: int, length: int, jit: bool = False
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Its greedy or beam sampler as a graph with caches: source ids -> `length` tokens, no more and no fewer.

    Weights are random, since times do not depend on them: no stop token is given.

    Args:
        encoder, decoder: sizes.
        vocabulary: of both sides, which share a table.
        beam: width, 1 is greedy.
        length: of the output.
        jit: with XLA; otherwise in one thread, as ours.
    """
    import keras_hub

    model = peers.hub_transformer(encoder, decoder, vocabulary)
    parts = {layer.name: layer for layer in model.layers}
    embed = parts["embedding"]
    (waves,) = [layer for layer in model.layers if isinstance(layer, keras_hub.layers.SinePositionEncoding)]
    kind = keras_hub.layers.TransformerEncoder
    readers = [layer for layer in model.layers if isinstance(layer, kind)]
    reading = keras.Model(model.inputs[0], readers[-1].output)
    writers = [layer for layer in model.layers if isinstance(layer, keras_hub.layers.TransformerDecoder)]
    sampler = keras_hub.samplers.GreedySampler() if beam == 1 else keras_hub.samplers.BeamSampler(num_beams=beam)
    heads, width = decoder.heads, decoder.width

    def written(tokens: Any, index: Any, memory: Any, mask: Any, own: list, cross: list, first: bool) -> tuple:
        x = embed(tokens) * width**0.5
        x = x + ops.cast(waves(x, start_index=index), x.dtype)
        new = []
        for layer, self_cache, cross_cache in zip(writers, own, cross, strict=True):
            x, self_cache, cross_cache = layer(
                x,
                memory,
                encoder_padding_mask=mask,
                self_attention_cache=self_cache,
                self_attention_cache_update_index=index,
                cross_attention_cache=cross_cache,
                cross_attention_cache_update_index=0 if first else None,
            )
            new.append((self_cache, cross_cache))
        return embed(x, reverse=True)[:, 0], new

    @(tf.function(autograph=False, jit_compile=True) if jit else graph())
    def decode(source: tf.Tensor) -> tf.Tensor:
        memory, mask = reading(source), ops.not_equal(source, 0)
        batch, read = tf.unstack(tf.shape(source))
        own, cross = (
            [ops.zeros((batch, 2, size, heads, width // heads)) for _ in writers] for size in (length + 1, read)
        )
        prompt = ops.concatenate([ops.full((batch, 1), 2), ops.zeros((batch, length), "int32")], 1)
        _, new = written(prompt[:, :1], 0, memory, mask, own, cross, first=True)  # keys and values of the source
        cache = {"memory": memory, "mask": mask, "own": [one for one, _ in new], "cross": [one for _, one in new]}

        def following(prompt: Any, cache: dict, index: Any) -> tuple:
            token = ops.slice(prompt, [0, index - 1], [ops.shape(prompt)[0], 1])
            logits, new = written(
                token, index - 1, cache["memory"], cache["mask"], cache["own"], cache["cross"], first=False
            )
            return logits, None, {**cache, "own": [one for one, _ in new]}

        return sampler(following, prompt, cache=cache, index=1)[:, 1:]

    return decode if jit else alone(decode)
