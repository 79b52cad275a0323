"""The exported model that a fresh clone has, before any training."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops

from keras_attn.export import load

SHIPPED = Path(__file__).parents[2] / "saved_models" / "dates" / "1"
DATES = {"3 March 2021": "2021-03-03", "le 14 juillet 1998": "1998-07-14"}


def test_it_answers():
    assert load(SHIPPED)(list(DATES)).text == list(DATES.values())


def test_it_answers_in_a_session_of_tensorflow_serving():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(SHIPPED)).signature_def[
            "serving_default"
        ]
        said = session.run(signature.outputs["text"].name, {signature.inputs["text"].name: list(DATES)})
    assert [text.decode() for text in said] == list(DATES.values())


def test_it_is_small_enough_for_git():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) < 3 * 2**20
