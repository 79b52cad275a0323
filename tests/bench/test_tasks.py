"""The five tasks: what is asked, and that one seed gives the same examples."""

from __future__ import annotations

import numpy as np
import pytest

from keras_attn.bench.tasks import END, FIRST, LENGTH, PADDING, SEPARATOR, TASKS, VOCABULARY


def pairs(name, count=50, seed=1):
    source, target = TASKS[name].examples(count, seed)
    return [[row[row > END].tolist() for row in pair] for pair in zip(source, target, strict=True)]


@pytest.mark.parametrize("name", TASKS)
def test_rows_end_and_are_padded(name):
    for side in TASKS[name].examples(50, 1):
        assert side.shape == (50, LENGTH)
        assert side.dtype == np.int32
        for row in side:
            (end,) = np.flatnonzero(row == END)
            assert (row[:end] >= FIRST).all()
            assert (row[end + 1 :] == PADDING).all()
            assert row.max() < VOCABULARY


@pytest.mark.parametrize("name", TASKS)
def test_examples_are_a_function_of_task_and_seed(name):
    first, again, other = (TASKS[name].examples(20, seed) for seed in (1, 1, 2))
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_lengths_vary():
    assert {len(source) for source, _ in pairs("copy")} == {12, 13, 14, 15, 16}
    assert {len(source) for source, _ in pairs("sort")} == {8, 9, 10, 11, 12}


def test_copy_reverse_and_sort():
    assert all(target == source for source, target in pairs("copy"))
    assert all(target == source[::-1] for source, target in pairs("reverse"))
    assert all(target == sorted(source) for source, target in pairs("sort"))


def test_lookup_follows_the_chain():
    for (first, *links), target in pairs("lookup"):
        after = dict(zip(links[::2], links[1::2], strict=True))
        assert len(after) == 7
        found = [first]
        for _ in range(4):
            found.append(after[found[-1]])
        assert target == found[1:]


def test_lookup_is_shuffled():
    assert any(source[0] != source[1] for source, _ in pairs("lookup"))


def test_phrases_change_places():
    for source, target in pairs("swap"):
        middle = source.index(SEPARATOR)
        first, second = source[:middle], source[middle + 1 :]
        assert 4 <= len(first) <= 7
        assert 4 <= len(second) <= 7
        assert target == [*second, SEPARATOR, *first]
