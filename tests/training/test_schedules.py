"""Learning rates, at the update the optimizer is in."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_attn.training import InverseSquareRoot, LinearDecay


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_inverse_square_root_is_the_equation_of_the_paper():
    """Vaswani et al. 2017, eq. 3, for d_model = 512 and 4,000 steps of warm-up, scaled to its peak."""
    updates = [1, 2, 1999, 4000, 4001, 16000, 100_000]
    wanted = [512**-0.5 * min(n**-0.5, n * 4000**-1.5) for n in updates]
    schedule = InverseSquareRoot(peak=512**-0.5 * 4000**-0.5, warmup=4000)
    np.testing.assert_allclose(rates(schedule, [n - 1 for n in updates]), wanted, rtol=1e-5)


def test_the_peak_is_at_the_end_of_the_warm_up():
    found = rates(InverseSquareRoot(0.3, 7), range(30))
    assert int(np.argmax(found)) == 6
    assert found[6] == pytest.approx(0.3)
    assert found[0] == pytest.approx(0.3 / 7)  # the first update already has a rate
    assert found == sorted(found[:7]) + sorted(found[7:], reverse=True)


def test_linear_decay_goes_up_and_down_to_nothing():
    found = rates(LinearDecay(0.3, 5, 15), range(20))
    up, down = np.arange(1, 6) * 0.3 / 5, np.arange(9, -1, -1) * 0.3 / 10
    np.testing.assert_allclose(found, [*up, *down, *[0] * 5], atol=1e-7)


def test_the_optimizer_follows_it():
    optimizer = keras.optimizers.SGD(InverseSquareRoot(1.0, 2))
    variable = keras.Variable(0.0)
    moved = []
    for _ in range(4):
        before = float(variable.value)
        optimizer.apply([keras.ops.ones(())], [variable])
        moved.append(before - float(variable.value))
    np.testing.assert_allclose(moved, [0.5, 1.0, (2 / 3) ** 0.5, 0.5**0.5], rtol=1e-5)


@pytest.mark.parametrize("schedule", [InverseSquareRoot(0.3, 7), LinearDecay(0.2, 3, 11)])
def test_the_configuration_comes_back(schedule):
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert rates(again, range(15)) == rates(schedule, range(15))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: InverseSquareRoot(0, 5), "`peak` must be above 0.*they came as 0 and 5"),
        (lambda: InverseSquareRoot(0.1, 0), "`warmup` at least 1; they came as 0.1 and 0"),
        (lambda: LinearDecay(-1, 5, 9), "`peak` must be above 0.*they came as -1, 5 and 9"),
        (lambda: LinearDecay(0.1, 0, 9), "`warmup` at least 1"),
        (lambda: LinearDecay(0.1, 9, 9), "`total` above it.*0.1, 9 and 9. Train for more updates"),
    ],
)
def test_what_makes_no_sense_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
