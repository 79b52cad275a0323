"""The suite for models: our own pass in the catalogue; here each promise, broken on purpose, is what is broken."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from keras_attn.models import RNNDecoder, RNNEncoder, Views, seq2seq
from keras_attn.testing import Broken, check_model
from keras_attn.testing.model_promises.table import MODEL_PROMISES

BREAKS = {}


class Tamper(keras.layers.Layer):
    """A function of tensors as a layer."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, *tensors):
        return self.function(*tensors)


def views():
    return seq2seq(
        RNNEncoder(units=3, embedding=5, cell="rnn"),
        RNNDecoder(units=7, embedding=5, cell="rnn", attention_units=11, dropout=0.2),
        source_vocabulary=13,
        target_vocabulary=17,
    )


def breaks(promise, says):
    """A function of honest views gives views that break a promise; the report says so in these words."""

    def register(function):
        BREAKS[function.__name__] = (promise, says, function)
        return function

    return register


def tampered(honest, training=None, encoder=None, step=None):
    """Views whose outputs went through functions."""

    def through(model, change):
        return model if change is None else keras.Model(model.input, change(model), name=model.name)

    return Views(through(honest.training, training), through(honest.encoder, encoder), through(honest.step, step))


def logits_through(layer):
    """Of the step view, logits through a layer that is also given the inputs of the model."""

    def change(model):
        return {**model.output, "logits": layer(model.output["logits"], model.input)}

    return change


def secret(x):
    """Zero, with the gradient of x."""
    return x - ops.stop_gradient(x)


@breaks("shapes", "symbolic dtype of training")
def says_the_wrong_dtype(honest):
    class Liar(keras.layers.Layer):
        def call(self, logits):
            return ops.cast(logits, "float32")

        def compute_output_spec(self, logits):
            return keras.KerasTensor(logits.shape, "float16")

    return tampered(honest, training=lambda model: Liar()(model.output))


@breaks("weights", "sums of the weights of decoder")
def weights_that_sum_to_less(honest):
    def change(model):
        less = Tamper(lambda weights: 0.9 * weights)
        return {**model.output, "weights": {"decoder": less(model.output["weights"]["decoder"])}}

    return tampered(honest, step=change)


@breaks("padding", "logits in a longer batch")
def logits_that_count_padding(honest):
    count = Tamper(lambda logits, source: logits + 1e-3 * ops.cast(ops.shape(source)[1], logits.dtype))
    return tampered(honest, training=lambda model: count(model.output, model.input["source"]))


@breaks("padding", "logits of sentence 0 alone")
def sentences_that_see_each_other(honest):
    mix = Tamper(lambda logits: logits + 1e-3 * ops.mean(logits, 0, keepdims=True))
    return tampered(honest, training=lambda model: mix(model.output))


@breaks("future", "logits before another token")
def logits_that_see_the_future(honest):
    peek = Tamper(lambda logits: logits + 1e-3 * ops.roll(logits, -1, axis=1))
    return tampered(honest, training=lambda model: peek(model.output))


@breaks("future", "change of the logits")
def logits_that_see_no_token(honest):
    blind = Tamper(lambda logits: 0 * logits)
    return tampered(honest, training=lambda model: blind(model.output))


@breaks("steps", "logits of training")
def steps_that_know_their_number(honest):
    number = Tamper(lambda logits, given: logits + 1e-3 * ops.cast(given["position"], logits.dtype))
    return tampered(honest, step=logits_through(number))


@breaks("steps", "logits of training, in steps of (1, 1, 1)")
def a_state_that_lags(honest):
    mean = Tamper(lambda new, old: 0.999 * new + 0.001 * old)

    def change(model):
        new, old = model.output["state"]["decoder"], model.input["state"]["decoder"]
        return {**model.output, "state": {"decoder": [mean(*pair) for pair in zip(new, old, strict=True)]}}

    return tampered(honest, step=change)


@breaks("encoder masks", "mask at index")
def an_encoder_that_masks_nothing(honest):
    everything = Tamper(ops.ones_like)

    def change(model):
        memory = model.output["memory"]
        return {**model.output, "memory": {**memory, "mask": everything(memory["mask"])}}

    return tampered(honest, encoder=change)


@breaks("encoder masks", "other content in the memory's padding")
def a_step_that_reads_padding(honest):
    read = Tamper(lambda logits, given: logits + 1e-3 * ops.max(given["memory"]["value"]))
    return tampered(honest, step=logits_through(read))


@breaks("masked rows", "logits in")
def an_empty_source_divides_by_zero(honest):
    def divide(logits, source):
        words = ops.cast(ops.sum(ops.cast(source != 0, "int32"), 1), logits.dtype)[:, None, None]
        return logits * (words / words)

    return tampered(honest, training=lambda model: Tamper(divide)(model.output, model.input["source"]))


@breaks("masked rows", "in mixed_float16")
def an_empty_source_overflows_in_float16(honest):
    def scale(logits, source):
        empty = ops.cast(ops.all(source == 0, 1), logits.dtype)[:, None, None]
        return logits + empty * 6e4 * 2 - empty * 6e4 * 2

    return tampered(honest, training=lambda model: Tamper(scale)(model.output, model.input["source"]))


@breaks("learning", "receives: expected a gradient")
def a_decoder_that_does_not_learn(honest):
    return tampered(honest, training=lambda model: Tamper(ops.stop_gradient)(model.output))


@breaks("learning", "words of the source that learn")
def padding_that_learns(honest):
    table = next(layer for layer in honest.encoder.layers if isinstance(layer, keras.layers.Embedding))

    def change(model):
        add = Tamper(lambda state, words: state + ops.mean(ops.mean(words, 2), 1)[:, None])
        state = [add(leaf, table(model.input)) for leaf in model.output["state"]["decoder"]]
        return {**model.output, "state": {"decoder": state}}

    return tampered(honest, encoder=change)


@breaks("no leak", "on padding")
def padding_in_the_memory_that_learns(honest):
    teach = Tamper(lambda logits, given: logits + secret(ops.mean(given["memory"]["value"])))
    return tampered(honest, step=logits_through(teach))


@breaks("precision", "dtype of the logits")
def logits_in_float32(honest):
    return tampered(honest, training=lambda model: Tamper(lambda x: ops.cast(x, "float32"))(model.output))


@breaks("precision", "logits of step in mixed_float16")
def a_step_that_rounds(honest):
    rounded = Tamper(lambda logits, given: (logits + 1000) - 1000)
    return tampered(honest, step=logits_through(rounded))


@breaks("seed", "logits in training with the same seed")
def noise_without_a_seed(honest):
    class Noise(keras.layers.Layer):
        def call(self, logits, training=None):
            return logits * ops.cast(np.random.default_rng().random(), logits.dtype) if training else logits

    return tampered(honest, training=lambda model: Noise()(model.output))


@breaks("keras file", "an output of the loaded step")
def a_step_that_forgets_an_option(honest):
    return tampered(honest, step=lambda model: {**model.output, "logits": Scale(3.0)(model.output["logits"])})


@keras.saving.register_keras_serializable("tests")
class Scale(keras.layers.Layer):
    """Its configuration lacks the factor."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, logits):
        return logits * self.factor

    def get_config(self):
        return super().get_config()


class Eager(keras.layers.Layer):
    """It looks at numbers in Python."""

    def call(self, logits):
        return logits if float(ops.max(logits)) < 1e6 else logits / 2

    def compute_output_spec(self, logits):
        return keras.KerasTensor(logits.shape, logits.dtype)


@breaks("jit", "")
def training_that_looks_at_numbers_in_python(honest):
    return tampered(honest, training=lambda model: Eager()(model.output))


@breaks("saved model", "")
def a_step_that_looks_at_numbers_in_python(honest):
    return tampered(honest, step=lambda model: {**model.output, "logits": Eager()(model.output["logits"])})


@breaks("sizes", "logits of step and of training")
def a_step_that_knows_short_sources_only(honest):
    def forget(logits, given):
        return logits * ops.cast(ops.shape(given["memory"]["value"])[1] < 6, logits.dtype)

    return tampered(honest, step=logits_through(Tamper(forget)))


def test_every_promise_is_broken_once():
    assert {promise for promise, *_ in BREAKS.values()} == {promise.name for promise in MODEL_PROMISES}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_caught_by_its_promise(name):
    promise, says, change = BREAKS[name]
    with pytest.raises(Broken) as broken:
        check_model(lambda: change(views()), only=[promise], show=False)
    assert [outcome.promise for outcome in broken.value.outcomes] == [promise]
    assert says in str(broken.value)


def test_views_that_were_trained_are_left_as_they_are():
    """Given views and not what makes them, weights stay, and what would need other layers is not said to hold."""
    honest = views()
    before = honest.training.get_weights()
    report = check_model(honest, name="mine", only=["padding", "steps", "precision"], show=False)
    assert [outcome.verdict for outcome in report.outcomes] == ["held", "held", "-"]
    for one, other in zip(before, honest.training.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
