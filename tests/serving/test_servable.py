"""One loaded version: what runs in it, for how long, until when."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from keras_attn.serving.errors import ServingError, as_serving_error
from keras_attn.serving.servable import Servable


@pytest.fixture(scope="module")
def servable(half_path):
    found = Servable("half", 123, half_path / "00000123")
    yield found
    found.retire()


def test_only_the_outputs_asked_for_are_computed(servable):
    found = servable.run("strings", {"text": np.array([b"a"], object)}, ["name"])
    assert {name: value.tolist() for name, value in found.items()} == {"name": [b"the first"]}


def test_a_run_ends_when_its_time_is_up(servable):
    with pytest.raises(tf.errors.DeadlineExceededError) as caught:
        servable.run("slow", {"steps": np.array([10**6])}, ["steps"], timeout=0.05)
    assert as_serving_error(caught.value).http == 504
    with pytest.raises(ServingError, match="Timed out before the request could run"):
        servable.run("slow", {"steps": np.array([1])}, ["steps"], timeout=0)
    assert servable.run("slow", {"steps": np.array([3])}, ["steps"], timeout=60)["steps"] == [3]


def test_what_is_no_saved_model_is_not_loaded(tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist"):
        Servable("x", 1, tmp_path)


def test_another_tag_is_another_graph(half_path):
    with pytest.raises(RuntimeError, match="gpu"):
        Servable("half", 123, half_path / "00000123", tags=["serve", "gpu"])


def test_an_error_nobody_expected_is_told_without_its_words(caplog):
    known = as_serving_error(KeyError("a secret"))
    assert (known.code, known.message, known.http) == ("INTERNAL", "Internal error", 500)
    assert "a secret" in caplog.text
