"""What `benchmarks/digits.py` promises of its pictures, and what it says without scikit-learn."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_attn.errors import UserError

FILE = Path(__file__).parents[2] / "benchmarks" / "digits.py"


@pytest.fixture(scope="module")
def digits():
    spec = importlib.util.spec_from_file_location("benchmark_of_digits", FILE)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_scikit_learn_it_says_what_to_install(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UserError, match=r'pip install "keras_attn\[benchmarks\]"'):
        digits.digits()


def test_an_unknown_net_is_named(digits):
    with pytest.raises(UserError, match=r"nets: expected some of none, .*got sbam"):
        digits.main(digits.Settings(nets=("sbam",)))


@pytest.mark.parametrize("part", ["train", "valid", "test"])
def test_pictures_are_the_same_each_time_and_parts_share_no_digit(digits, part):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    alone = replace(digits.Settings(), noise=0.0, clutter=0, copies=2)
    parts, again = digits.pictures(alone), digits.pictures(alone)
    images, labels = parts[part]
    np.testing.assert_array_equal(images, again[part][0])
    count = digits.SPLIT[part] * (2 if part == "train" else 1)
    assert images.shape == (count, 16, 16, 1)
    assert set(labels) == set(range(10))

    def ink(images):
        """Each digit without its place on the canvas."""
        return {image[image > 0].tobytes() for image in images}

    others = set().union(*(ink(of) for name, (of, _) in parts.items() if name != part))
    assert not ink(images) & others


def test_clutter_and_noise_are_what_they_say(digits):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    plain, cluttered, noisy = (
        digits.pictures(replace(digits.Settings(), noise=noise, clutter=clutter, copies=1))["valid"][0]
        for noise, clutter in [(0.0, 0), (0.0, 3), (0.3, 0)]
    )
    assert (cluttered > 0).mean() > 1.3 * (plain > 0).mean()
    empty = noisy[:, :, :, 0][np.abs(noisy[..., 0]) < 1]
    assert 0.2 < empty.std() < 0.45
