"""Every model keeps every promise of `keras_attn.testing`, as `check_model` holds them."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from catalogue import MODELS, attending_models, every_model, numpy, over, step

from keras_attn.testing import Broken
from keras_attn.testing.model_promises import saved_model
from keras_attn.testing.model_promises.table import MODEL_PROMISES

VERDICTS = collections.Counter()


@pytest.fixture(scope="module")
def saved(request):
    """All rows of this run that are to be saved go through one SavedModel."""
    here = [it for it in request.session.items if getattr(it, "module", None) is request.module]
    asked = [it.callspec.params for it in here if "[" in it.name]
    rows = {it["row"].name: it["row"] for it in asked if "promise" in it and it["promise"].name == "saved model"}
    for name, functions in saved_model.load([row.subject for row in rows.values()]).items():
        rows[name].subject.loaded = functions


@pytest.mark.parametrize("promise", MODEL_PROMISES, ids=lambda promise: promise.name)
@over(MODELS)
def test_a_model_keeps_its_promise(request, row, promise):
    if promise.name == "saved model":
        request.getfixturevalue("saved")
    outcome = promise.judge(row.subject)
    VERDICTS[promise.name, outcome.verdict] += 1
    if outcome.verdict == "-":
        pytest.skip(outcome.reason)
    if outcome.verdict == "broken":
        raise Broken([outcome]) from outcome.error


@every_model
def test_a_model_has_the_outputs_of_the_table(row):
    """What docs/design.md says of our own views, beyond what the suite asks of any."""
    views = row.views()
    encoded = views.encoder(row.source())
    out = step(views, row.target(), **encoded)
    weights = {name: tuple(tensor.shape) for name, tensor in out["weights"].items()}
    # (batch, heads, n, source_length)
    assert weights == {name: (2, heads, 3, 5) for name, heads in row.readers.items()}
    assert set(encoded) == {"memory", "state"}
    assert set(out) == {"logits", "state", "weights"}


@attending_models
def test_no_weights_of_a_model_are_uniform(row):
    views = row.views()
    found = numpy(step(views, row.target(), **views.encoder(row.source()))["weights"])
    assert set(found) == set(row.readers)
    for weights in found.values():
        assert (weights[0].max(-1) > 1.05 * weights[0].min(-1)).any()
        assert np.isfinite(weights).all()


def test_no_promise_is_idle():
    """Every promise found models that make it."""
    if sum(VERDICTS.values()) < len(MODEL_PROMISES) * len(MODELS):
        pytest.skip("some rows or promises were deselected")
    assert {name for name, verdict in VERDICTS if verdict == "held"} == {promise.name for promise in MODEL_PROMISES}
