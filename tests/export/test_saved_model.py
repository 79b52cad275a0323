"""A SavedModel says what the model in process says; what is none is refused with one line."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_attn.errors import UserError
from keras_attn.export import SIGNATURES, load


@pytest.fixture(scope="module")
def reloaded(saved):
    return load(saved)


def test_it_comes_back_equal(translate, reloaded, lines):
    ours, theirs = translate(lines), reloaded(lines)
    assert theirs.text == ours.text
    np.testing.assert_allclose(theirs.score, ours.score, rtol=1e-4)
    assert (theirs.truncated == ours.truncated).all()


def test_its_alignments_come_back_equal(translate, reloaded, lines):
    for ours, theirs in zip(translate.align(lines), reloaded.align(lines), strict=True):
        assert (theirs.text, theirs.source_tokens, theirs.target_tokens) == (
            ours.text,
            ours.source_tokens,
            ours.target_tokens,
        )
        np.testing.assert_allclose(theirs.weights, ours.weights, atol=1e-5)


def test_it_counts_the_tokens_of_strings(reloaded, text):
    lines = ["a man", "", "a horse eats", "\ud800x", "a " * 2000] + ["two women"] * 300
    tokens = [len(ids) for ids in text.source.encode([*lines[:3], "\N{REPLACEMENT CHARACTER}x"])]
    assert reloaded.lengths(lines) == [*tokens, 4000, *[len(text.source.encode(["two women"])[0])] * 300]
    assert reloaded.lengths([]) == []


def test_it_has_the_layout_and_the_signatures_of_tf_serving(saved):
    assert {path.name for path in saved.iterdir()} >= {"saved_model.pb", "variables", "batching_params.pbtxt"}
    assert saved.stat().st_mode & 0o777 == 0o755
    assert set(tf.saved_model.load(str(saved)).signatures) == set(SIGNATURES)


def test_its_several_outputs_come_back_equal(translate, reloaded, lines):
    assert reloaded.n_best == 3
    for ours, theirs in zip(translate.hypotheses(lines), reloaded.hypotheses(lines), strict=True):
        assert [each.text for each in theirs] == [each.text for each in ours]
        assert [each.truncated for each in theirs] == [each.truncated for each in ours]
        np.testing.assert_allclose([each.score for each in theirs], [each.score for each in ours], rtol=1e-4)


def test_no_numbered_folder_is_seen_before_the_version_is_whole(translate, tmp_path):
    """A polling server takes every folder whose name is a number."""
    seen = []
    translate.save(tmp_path / "7", lambda partial: seen.extend([partial, *tmp_path.iterdir()]))
    assert len(seen) == 2
    assert not [path for path in seen if path.name.isdigit()]
    assert [path.name for path in tmp_path.iterdir()] == ["7"]


def test_no_kernel_of_a_gpu_is_in_it(saved):
    assert b"Cudnn" not in (saved / "saved_model.pb").read_bytes()


def test_a_version_is_never_overwritten(translate, saved, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "mine").touch()
    with pytest.raises(UserError, match=r"folder: expected one that does not exist yet, got .*; take the next version"):
        translate.save(tmp_path / "1")
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["mine"]


def test_what_could_not_be_written_whole_leaves_nothing(translate, tmp_path, monkeypatch):
    def torn(module, folder, **_):
        tf.io.write_file(f"{folder}/saved_model.pb", b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", torn)
    with pytest.raises(OSError, match="No space left"):
        translate.save(tmp_path / "models" / "1")
    assert list((tmp_path / "models").iterdir()) == []


# What is no model


def spoil(folder, name, change):
    path = next(folder.rglob(name))
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("saved_model.pb", lambda data: data[: len(data) // 2]),
        ("saved_model.pb", lambda data: b"not a model"),
        ("variables.index", lambda data: data[:10]),
        ("variables.data-*", lambda data: data[: len(data) // 2]),
    ],
)
def test_a_damaged_model_is_one_line(saved, tmp_path, name, change):
    shutil.copytree(saved, tmp_path / "1")
    spoil(tmp_path / "1", name, change)
    with pytest.raises(
        UserError, match=r"folder: the SavedModel in .*1 cannot be read \(.*\); export it again"
    ) as error:
        load(tmp_path / "1")
    assert "\n" not in str(error.value)


def test_a_folder_without_a_model_is_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match=r"folder: expected a SavedModel .*, found no saved_model.pb in"):
            load(folder)


def test_a_model_of_other_signatures_names_them(tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([], tf.float32, name="x")])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"twice": module.double})
    with pytest.raises(UserError, match=r"has no signature align, serving_default; it has twice. Was it exported by"):
        load(tmp_path / "1")


def test_each_weight_is_there_once(saved, translate):
    values = tf.train.load_checkpoint(str(saved / "variables" / "variables")).get_variable_to_shape_map()
    count = sum(int(np.prod(shape)) for name, shape in values.items() if "VARIABLE_VALUE" in name)
    weights = {id(weight): weight for weight in (*translate.encoder.weights, *translate.step.weights)}
    assert count == sum(int(np.prod(weight.shape)) for weight in weights.values())
