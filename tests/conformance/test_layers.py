"""Every layer keeps every promise of `keras_attn.testing`, as `check_attention` holds them."""

from __future__ import annotations

import collections

import pytest
from catalogue import LAYERS, over

from keras_attn.testing import Broken
from keras_attn.testing.promises import saved_model
from keras_attn.testing.promises.table import PROMISES
from keras_attn.testing.subject import Subject

SUBJECTS = {row.name: Subject(row) for row in LAYERS}  # what a promise builds, the next one uses
VERDICTS = collections.Counter()


@pytest.fixture(scope="module")
def saved(request):
    """All rows of this run that are to be saved go through one SavedModel."""
    here = [it for it in request.session.items if getattr(it, "module", None) is request.module]
    asked = [it.callspec.params for it in here if "[" in it.name]
    subjects = [SUBJECTS[it["row"].name] for it in asked if it["promise"].name == "saved model"]
    for name, function in saved_model.load(list(filter(traced, subjects))).items():
        SUBJECTS[name].loaded = function


def traced(subject):
    try:
        subject.graph.get_concrete_function()
    except Exception:  # its own test says why
        return False
    return True


def hold(promise, subject):
    outcome = promise.judge(subject)
    VERDICTS[promise.name, outcome.verdict] += 1
    if outcome.verdict == "-":
        pytest.skip(outcome.reason)
    if outcome.verdict == "broken":
        raise Broken([outcome]) from outcome.error


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
@over(LAYERS)
def test_a_layer_keeps_its_promise(request, row, promise):
    if promise.name == "saved model":
        request.getfixturevalue("saved")
    hold(promise, SUBJECTS[row.name])


def test_every_row_has_a_name_of_its_own():
    assert len(SUBJECTS) == len(LAYERS)


def test_no_promise_is_idle():
    """Every promise found layers that make it."""
    if sum(VERDICTS.values()) < len(PROMISES) * len(LAYERS):
        pytest.skip("some rows or promises were deselected")
    assert {name for name, verdict in VERDICTS if verdict == "held"} == {promise.name for promise in PROMISES}
