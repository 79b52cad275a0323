"""A trace of a few updates where TensorBoard's profiler looks for it."""

from __future__ import annotations

import pytest
import toy_training

from keras_attn import training
from keras_attn.data import as_dataset
from keras_attn.errors import UserError
from keras_attn.training.callbacks import Profile


def fit(callback, epochs=1):
    data = as_dataset(toy_training.corpus())
    training.fit(toy_training.views(), data, epochs=epochs, verbose=0, callbacks=[callback])


@pytest.mark.parametrize("updates", [2, 99])  # 99: training ends before they do
def test_a_trace_appears(updates, tmp_path):
    fit(Profile(tmp_path, first=3, updates=updates))
    (trace,) = tmp_path.glob("plugins/profile/*/*.xplane.pb")
    assert b"MatMul" in trace.read_bytes()


def test_a_training_that_is_too_short_leaves_nothing(tmp_path):
    fit(Profile(tmp_path, first=8))
    assert list(tmp_path.iterdir()) == []


def test_counts_begin_at_1(tmp_path):
    for name in ("first", "updates"):
        with pytest.raises(UserError, match=f"{name}: expected at least 1, got 0"):
            Profile(tmp_path, **{name: 0})
