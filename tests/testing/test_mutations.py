"""The suite itself: a layer that keeps its promises passes, and each promise, broken on purpose, is what is broken."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from testing.honest import Honest

from keras_attn.ops import masks
from keras_attn.testing import check_attention
from keras_attn.testing.promises.table import PROMISES
from keras_attn.testing.specimen import USUAL

BREAKS = {}


def breaks(promise, says, claims=USUAL, **options):
    """A class breaks a promise; the report says so in these words."""

    def register(kind):
        keras.saving.register_keras_serializable("tests")(kind)
        BREAKS[kind.__name__] = (promise, says, lambda: kind(**options), claims)
        return kind

    return register


def secret(x):
    """Zero, with the gradient of x."""
    return x - ops.stop_gradient(x)


# Weights


@breaks("weights", "sums of weights")
class SumsToLess(Honest):
    def weigh(self, score, mask):
        return super().weigh(score, mask) * 0.99


@breaks("weights", "no negative number")
class Negative(Honest):
    def weigh(self, score, mask):
        weight = super().weigh(score, mask)
        return weight * 3 - ops.cast(weight > 0, weight.dtype) * (2 / ops.shape(weight)[-1])


@breaks("weights", "weights of what may not be seen")
class SeesALittleOfWhatIsHidden(Honest):
    def weigh(self, score, mask):
        return 0.999999 * super().weigh(score, mask) + 0.000001 * ops.softmax(score)


@breaks("weights", "weights of what may be seen")
class LooksAtTheBestOnly(Honest):
    def weigh(self, score, mask):
        weight = super().weigh(score, mask)
        best = ops.cast(weight == ops.max(weight, -1, keepdims=True), weight.dtype)
        return best * ops.cast(weight > 0, weight.dtype)


@breaks("weights", "weights of what may not be seen")
class ForgetsTheKeyMask(Honest):
    def visible(self, query, value, query_mask, value_mask, key_mask, *rest):
        return super().visible(query, value, query_mask, None, None, *rest)


@breaks("weights", "weights of what may not be seen")
class TurnsPairsAround(Honest):
    def visible(self, query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask):
        if attention_mask is not None:
            attention_mask = attention_mask[:, ::-1]
        return super().visible(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)


# Padding, order, time


@breaks("padding", "after more padding")
class ReadsPadding(Honest):
    def read(self, weight, value):
        return super().read(weight, value) + 1e-4 * ops.max(value, 1, keepdims=True)


@breaks("padding", "after more padding")
class CountsPadding(Honest):
    def read(self, weight, value):
        return super().read(weight, value) * ops.cast(1 / (1 + 1e-3 * ops.shape(value)[1]), value.dtype)


@breaks("causal", "before position")
class PeeksOneAhead(Honest):
    def causal(self, query, value):
        return masks.causal(1 + ops.arange(ops.shape(query)[1]), ops.arange(ops.shape(value)[1]))[None]


@breaks("causal", "change at position 1 of `query`", claims=USUAL | {"causal"})
class SeesNothingButTheFirst(Honest):
    def attend(self, query, key, value, mask, training=None):
        context, weight = super().attend(query, key, value, mask, training)
        return ops.zeros_like(context), weight


@breaks("key order", "after the keys changed places")
class PrefersTheFirst(Honest):
    def score(self, query, key):
        place = ops.cast(ops.arange(ops.shape(key)[1]), key.dtype)
        return super().score(query, key) - 0.01 * place


# Who sees nothing


@breaks("masked rows", "in float16")
class NotANumberInFloat16Only(Honest):
    def weigh(self, score, mask):
        if mask is None:
            return ops.softmax(score)
        narrow = keras.backend.standardize_dtype(score.dtype) == "float16"
        if not narrow:
            return super().weigh(score, mask)
        return ops.softmax(score + ops.where(mask, ops.zeros_like(score), ops.cast(-1e9, score.dtype)))


@breaks("masked rows", "weights in float32")
class UniformOverNothing(Honest):
    def weigh(self, score, mask):
        return ops.softmax(score if mask is None else ops.where(mask, score, ops.cast(-1e4, score.dtype)))


@breaks("masked rows", "context in float32")
class BiasOverNothing(Honest):
    def read(self, weight, value):
        return super().read(weight, value) + ops.cast(0.5, value.dtype)


@breaks("masked rows", "gradient of")
class NotANumberInTheGradientOnly(Honest):
    def read(self, weight, value):
        context = super().read(weight, value)
        length = ops.sqrt(ops.sum(context**2, -1, keepdims=True))
        return context + length  # its derivative at zero is infinite


@breaks("masked rows", "gradient of")
class WhatNobodySeesLearns(Honest):
    def read(self, weight, value):
        return super().read(weight, value) + secret(ops.mean(value**2, 1, keepdims=True))


@breaks("hidden masks", "with hidden masks")
class LosesHiddenMasks(Honest):
    def __call__(self, query, value, *rest, **more):
        return super().__call__(query, value * 1.0, *rest, **more)


# Pieces


@breaks("steps", "in pieces of")
class CacheOffByOne(Honest):
    def step(self, x, position, cache):
        output, _ = super().step(x, position, cache)
        return output, super().step(x, max(position - 1, 0), cache)[1]


@breaks("steps", "in pieces of")
class ForgetsItsCache(Honest):
    def step(self, x, position, cache):
        return super().step(x, position, cache)[0], cache


# Learning


@breaks("learning", "key_kernel receives")
class AKernelThatDoesNotLearn(Honest):
    def project(self, key):
        return ops.matmul(key, ops.stop_gradient(ops.convert_to_tensor(self.key_kernel)))


@breaks("learning", "unused receives")
class AWeightThatIsNotUsed(Honest):
    def build(self, query_shape, value_shape, key_shape=None):
        super().build(query_shape, value_shape, key_shape)
        self.unused = self.add_weight((3,), name="unused")


@breaks("no leak", "where nobody may look")
class TeachesTheHidden(Honest):
    def read(self, weight, value):
        return super().read(weight, value) + secret(ops.mean(value, 1, keepdims=True))


@breaks("no leak", "where somebody may look")
class TeachesNobody(Honest):
    def read(self, weight, value):
        return super().read(weight, ops.stop_gradient(value))


# Numbers


@breaks("precision", "finite")
class OverflowsInFloat16(Honest):
    def score(self, query, key):
        return super().score(query * 3e5, key) / 10 if self.compute_dtype == "float16" else super().score(query, key)


@breaks("precision", "dtype of")
class AnswersInFloat32(Honest):
    def read(self, weight, value):
        return ops.cast(super().read(weight, value), "float32")


@breaks("precision", "in mixed_float16")
class AddsUpRoundingErrors(Honest):
    def read(self, weight, value):
        return (super().read(weight, value) + 128) - 128


@breaks("seed", "training with the same seed", claims=USUAL | {"random"}, dropout=0.3)
class DrawsWithoutASeed(Honest):
    def drop(self, weight):
        return weight * ops.cast(np.random.default_rng().random(weight.shape), weight.dtype)


@breaks("seed", "training with the same `seed` of the layer", claims=USUAL | {"random"}, dropout=0.3)
class IgnoresItsSeed(Honest):
    def drop(self, weight):
        return keras.random.dropout(weight, self.dropout)


@breaks("seed", "a second call in training", dropout=0.3)
class ClaimsNoRandomness(Honest):
    pass


@breaks("seed", "a second call in training", claims=USUAL | {"random"})
class ClaimsRandomness(Honest):
    pass


@breaks("seed", "a second call without training")
class RemembersTheLastCall(Honest):
    calls = 0

    def read(self, weight, value):
        self.calls += 1
        return super().read(weight, value) * (1 + 1e-3 * self.calls)


# There and back


@breaks("config", "options missing", scale=3.0)
class ForgetsAnOption(Honest):
    def get_config(self):
        return {name: value for name, value in super().get_config().items() if name != "scale"}


@breaks("config", "of the rebuilt layer", scale=3.0)
class ForgetsAnOptionsValue(Honest):
    def get_config(self):
        return {**super().get_config(), "scale": 1.0}


@breaks("config", "name, dtype policy and trainable")
class ForgetsItsPolicy(Honest):
    @classmethod
    def from_config(cls, config):
        return cls(**{name: value for name, value in config.items() if name != "dtype"})


@breaks("keras file", "")
class SavesNoWeights(Honest):
    def save_own_variables(self, store):
        store["0"] = np.zeros(self.query_kernel.shape, "float32")
        store["1"] = ops.convert_to_numpy(self.key_kernel)


@breaks("saved model", "")
class HidesAWeight(Honest):
    def build(self, query_shape, value_shape, key_shape=None):
        super().build(query_shape, value_shape, key_shape)
        kernel = keras.Variable(np.full((1,), 2.0, "float32"))
        self.hide = lambda: kernel

    def score(self, query, key):
        return super().score(query, key) * self.hide()


# Graphs


@breaks("jit", "")
class LooksAtNumbersInPython(Honest):
    def weigh(self, score, mask):
        return super().weigh(score if float(ops.max(ops.abs(score))) < 1e3 else score / 2, mask)


@breaks("jit", "when compiled")
class PythonStateAtTracing(Honest):
    calls = 0

    def read(self, weight, value):
        self.calls += 1
        return super().read(weight, value) * self.calls


@breaks("sizes", "")
class BatchBakedIn(Honest):
    def weigh(self, score, mask):
        return ops.reshape(super().weigh(score, mask), (2, 3, 5))


@breaks("sizes", "with {")
class LengthBakedIn(Honest):
    def build(self, query_shape, value_shape, key_shape=None):
        super().build(query_shape, value_shape, key_shape)
        self.length = value_shape[1] or 5

    def read(self, weight, value):
        return super().read(weight, value) / self.length


# What is said beforehand


@breaks("shapes", "symbolic shape of batch query_length key_length")
class SaysTheWrongShape(Honest):
    def compute_output_spec(self, query, value, key=None, return_attention_scores=False, **kwargs):
        found = super().compute_output_spec(query, value, key, return_attention_scores)
        if not return_attention_scores:
            return found
        return found[0], keras.KerasTensor((*query.shape[:2], query.shape[1]), dtype=self.compute_dtype)


@breaks("shapes", "symbolic dtype")
class SaysTheWrongDtype(Honest):
    def compute_output_spec(self, *arguments, **more):
        found = super().compute_output_spec(*arguments, **more)
        return keras.tree.map_structure(lambda symbol: keras.KerasTensor(symbol.shape, "float32"), found)


def test_an_honest_layer_passes():
    report = check_attention(Honest, show=False)
    assert report.held == [promise.name for promise in PROMISES]
    # and with randomness that it owns up to
    check_attention(lambda: Honest(dropout=0.3, seed=3), claims=USUAL | {"random"}, only=["seed"], show=False)


def test_every_promise_is_broken_once():
    assert {promise for promise, *_ in BREAKS.values()} == {promise.name for promise in PROMISES}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_caught_by_its_promise(name):
    promise, says, make, claims = BREAKS[name]
    broken = check_attention(make, claims=claims, only=[promise], show=False, strict=False).broken
    assert broken
    assert {outcome.promise for outcome in broken} == {promise}
    assert any(says in str(outcome.findings[0]) for outcome in broken), list(map(str, broken))
