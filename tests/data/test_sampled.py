"""Epochs that are segmented anew: few shapes, a known number of batches, the same for the same seed."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from keras_attn.data import EncodedPairs, Epochs, as_dataset, batches, sampled_plan
from keras_attn.data.ahead import Ahead
from keras_attn.data.sampled_pairs import SampledPairs
from keras_attn.data.sampled_plan import SampledPlan
from keras_attn.errors import UserError
from keras_attn.text import Tokenizer

WORDS = ["a", "man", "two", "dogs", "sky", "sea", "rides"]
PAIRS = [
    (" ".join(WORDS[(i + j) % 7] for j in range(1 + i % 9)), " ".join(WORDS[(i * j) % 7] for j in range(1 + i % 7)))
    for i in range(60)
]
SMALL = {"tokens_per_batch": 96, "shapes": 3, "sampling": 0.3}


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def text(request):
    return Tokenizer.train(PAIRS, vocabulary_size=290, model=request.param)


def content(epochs, number):
    return [
        [inputs["source"].tolist(), inputs["target"].tolist(), labels.tolist(), weights.tolist()]
        for inputs, labels, weights in epochs.epoch(number)
    ]


def sentences(epochs, number, text):
    found = []
    for inputs, labels, weights in epochs.epoch(number):
        used = weights.any(axis=1)
        found += zip(text.source.decode(inputs["source"][used]), text.target.decode(labels[used]), strict=True)
    return found


def test_each_epoch_has_every_pair_once_in_the_same_few_shapes(text):
    epochs = Epochs(PAIRS, text, **SMALL)
    shapes = set(epochs.plan.shapes)
    assert len(shapes) <= 3
    for number in range(6):
        assert sorted(sentences(epochs, number, text)) == sorted(PAIRS)
        batches = list(epochs.epoch(number))
        assert len(batches) == epochs.steps
        assert {(*inputs["source"].shape, labels.shape[1]) for inputs, labels, _ in batches} <= shapes
        assert all(weights.any() for _, _, weights in batches), "no batch is empty"
        assert [int(weights.sum()) for _, _, weights in batches] == epochs.target_tokens(number).tolist()


def test_epochs_are_segmented_anew_and_differently(text):
    epochs = Epochs(PAIRS, text, shuffle=False, **SMALL)
    plain = Epochs(PAIRS, text)
    tokens = [int(epochs.target_tokens(number).sum()) for number in range(4)]
    assert len(set(tokens)) > 1
    assert min(tokens) > plain.target_tokens(0).sum()


def test_the_batches_are_a_function_of_seed_and_epoch(text):
    one, other = Epochs(PAIRS, text, seed=5, **SMALL), Epochs(PAIRS, text, seed=5, **SMALL)
    expected = [content(one, number) for number in range(4)]
    text.source.encode(["a man"])
    assert [content(other, number) for number in (3, 0, 2, 1)] == [expected[number] for number in (3, 0, 2, 1)]
    assert content(Epochs(PAIRS, text, seed=6, **SMALL), 1) != expected[1] != expected[2]


def test_another_process_makes_the_same_batches(text, tmp_path):
    text.save(tmp_path / "text")
    program = (
        "import sys; from keras_attn.data import Epochs; from keras_attn.text import Tokenizer;"
        f"epochs = Epochs({PAIRS!r}, Tokenizer.load(sys.argv[1]), **{SMALL!r});"
        "print([labels.tolist() for _, labels, _ in epochs.epoch(2)])"
    )
    command = [sys.executable, "-c", program, tmp_path / "text"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str([labels for _, _, labels, _ in content(Epochs(PAIRS, text, **SMALL), 2)])


def test_a_stopped_pass_goes_on_where_it_was(text):
    epochs = Epochs(PAIRS, text, **SMALL)
    rest = batches(PAIRS, text, first_epoch=1, first_batch=2, **SMALL)
    for number, first in ((1, 2), (2, 0)):
        expected = [labels for _, _, labels, _ in content(epochs, number)][first:]
        assert [labels.numpy().tolist() for _, labels, _ in rest] == expected
    assert len(as_dataset(epochs)) == epochs.steps


@pytest.mark.parametrize("side", ["source", "target"])
def test_sampled_lengths_stay_below_the_longest(text, side):
    def lengths(encoded):
        return getattr(encoded, f"{side}_lengths")

    plain = lengths(EncodedPairs.encode(PAIRS, text))
    limit = int(np.median(plain))
    sampled = SampledPairs(PAIRS, text, 0.5, **{f"max_{side}_length": limit})
    kept = plain <= limit
    assert len(sampled.plain) == kept.sum()
    assert sampled.plain.dropped == len(PAIRS) - kept.sum()
    for epoch in range(3):
        drawn = lengths(sampled.epoch(epoch))
        assert drawn.max() == limit
        assert (drawn > lengths(sampled.plain)).any()


def test_what_cannot_be_sampled_is_refused(text, tmp_path):
    for arguments, message in (
        ({"sampling": 1.5}, "sampling: expected 0 to 1, got 1.5"),
        ({"sampling": -0.1}, "sampling: expected 0 to 1, got -0.1"),
        ({"sampling": 0.1, "cache": tmp_path}, "cache: expected None with sampling"),
    ):
        with pytest.raises(UserError, match=message):
            Epochs(PAIRS, text, **arguments)
    with pytest.raises(UserError, match="expected pairs of text, to sample from, got EncodedPairs"):
        Epochs(EncodedPairs.encode(PAIRS, text), sampling=0.1)
    with pytest.raises(UserError, match="expected a Tokenizer"):
        Epochs(PAIRS, sampling=0.1)
    with pytest.raises(UserError, match="expected at least one pair"):
        Epochs([], text, sampling=0.1)


# --- The plan alone ---

PLAIN = np.array([3, 5, 4, 8, 6, 3, 9, 5] * 20)
EXTRA = np.random.default_rng(0).integers(0, 3, (4, len(PLAIN)))


def check(plan, batches, drawn):
    pairs = len(PLAIN)
    assert len(batches) == plan.steps
    indices = np.concatenate([indices for indices, _ in batches])
    assert sorted((indices % pairs).tolist()) == list(range(pairs))
    for indices, (rows, source, target) in batches:
        assert 1 <= len(indices) <= rows
        lengths = np.concatenate([drawn, PLAIN])[indices]
        assert lengths.max() <= min(source, target)
    return int((indices >= pairs).sum()), np.concatenate([indices for indices, _ in batches]) >= pairs


def plan(**options):
    drawn = PLAIN + EXTRA[0]
    return SampledPlan((PLAIN, PLAIN), (drawn, drawn), **{"tokens_per_batch": 40, "shapes": 3} | options)


def test_a_pair_drawn_too_long_for_all_shapes_stays_as_it_is():
    drawn = PLAIN + EXTRA[1]
    drawn[7] = 1000
    chosen = plan()
    _, undrawn = check(chosen, chosen.epoch(1, drawn, drawn), np.where(np.arange(len(drawn)) == 7, PLAIN, drawn))
    assert undrawn.sum() == 1


def test_an_epoch_of_fewer_batches_splits_some():
    """As many as drawn ones need come out, though there is no length to add."""
    chosen = plan()
    _, undrawn = check(chosen, chosen.epoch(1, PLAIN, PLAIN), PLAIN)
    assert undrawn.sum() == 0


def test_an_epoch_of_more_batches_leaves_some_pairs_as_they_are():
    chosen, drawn = plan(), np.minimum(PLAIN + 2, PLAIN.max())
    _, undrawn = check(chosen, chosen.epoch(1, drawn, drawn), drawn)
    assert 0 < undrawn.sum() < len(PLAIN)


def test_no_more_batches_than_pairs():
    one = SampledPlan(([3], [3]), ([5], [5]))
    assert (one.steps, one.shapes) == (1, [(1, 5, 5)])
    assert sampled_plan.SPARE == 100


def test_the_table_says_what_comes():
    chosen = plan()
    lines = str(chosen).splitlines()
    assert [tuple(map(int, line.split())) for line in lines[1:-1]] == chosen.shapes
    assert lines[-1] == (
        f"160 pairs, segmented anew each time, in {chosen.steps} batches an epoch; "
        f"about {chosen.waste:.1%} of source and target cells are padding"
    )


# --- In the background ---


def test_the_next_one_is_made_while_one_is_used():
    made = [threading.Event() for _ in range(9)]

    def make(number):
        made[number].set()
        return number * number

    ahead = Ahead(make)
    assert ahead(3) == 9
    assert made[4].wait(10)
    assert not made[5].is_set()


def test_two_readers_do_not_make_everything_again():
    made = []

    def make(number):
        made.append(number)
        return number

    ahead = Ahead(make)
    for _ in range(5):
        assert (ahead(0), ahead(6)) == (0, 6)
    assert sorted(made) == [0, 1, 6, 7]


def test_an_error_in_the_background_arrives():
    ahead = Ahead(lambda number: 1 // number)
    with pytest.raises(ZeroDivisionError):
        ahead(0)
