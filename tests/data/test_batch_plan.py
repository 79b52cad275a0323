import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_attn.data import BatchPlan
from keras_attn.data.shapes_search import choose_shapes
from keras_attn.errors import UserError

lengths = st.integers(1, 30) | st.integers(1, 3000)
corpora = st.lists(st.tuples(lengths, lengths), min_size=1, max_size=60)
options = st.fixed_dictionaries(
    {
        "tokens_per_batch": st.integers(1, 500),
        "shapes": st.integers(1, 9),
        "seed": st.integers(0, 5),
        "shuffle": st.booleans(),
    }
)


def plan_of(pairs, **options):
    return BatchPlan([s for s, _ in pairs], [t for _, t in pairs], **options)


def corpus(count=5000, seed=0):
    """Lengths as sentences have them: skewed, both sides related."""
    generator = np.random.default_rng(seed)
    source = np.clip(generator.gamma(6, 2.5, count).astype(int), 2, 50)
    return source, np.clip((source * generator.normal(1.0, 0.2, count)).astype(int), 2, 60)


def epoch(plan, number=0):
    return [(indices.tolist(), shape) for indices, shape in plan.epoch(number)]


@given(pairs=corpora, options=options, number=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_every_epoch_is_whole_and_fits_its_shapes(pairs, options, number):
    plan = plan_of(pairs, **options)
    batches = epoch(plan, number)
    assert sorted(i for indices, _ in batches for i in indices) == list(range(len(pairs)))
    assert len(batches) == plan.steps
    assert {shape for _, shape in batches} == set(plan.shapes)
    assert len(plan.shapes) == len(set(plan.shapes)) <= options["shapes"]
    for indices, (rows, source, target) in batches:
        assert 1 <= len(indices) <= rows
        assert all(pairs[i][0] <= source and pairs[i][1] <= target for i in indices)
        assert rows <= max(1, options["tokens_per_batch"] // max(source, target))


@given(pairs=corpora, options=options)
@settings(max_examples=25, deadline=None)
def test_waste_is_what_the_batches_show(pairs, options):
    plan = plan_of(pairs, **options)
    cells = sum(rows * (source + target) for _, (rows, source, target) in plan.epoch(1))
    used = sum(s + t for s, t in pairs)
    assert plan.waste == pytest.approx(1 - used / cells)


def test_full_batches_have_nearly_the_rows_that_the_tokens_allow():
    plan = BatchPlan(*corpus(), tokens_per_batch=6000)
    for rows, source, target in plan.shapes[:-1]:
        most = 6000 // max(source, target)
        assert 0.97 * most <= rows <= most


def test_a_few_rows_are_given_up_for_fewer_leftovers():
    """Three batches of a hundred would leave six pairs to the larger shape, three of ninety-nine or more none."""
    plan = plan_of([(10, 10)] * 297 + [(20, 20)] * 50, tokens_per_batch=1000, shapes=2)
    assert plan.shapes == [(99, 10, 10), (50, 20, 20)]
    assert plan.waste == 0


def test_the_order_is_a_function_of_seed_and_epoch():
    pairs = corpus(500)
    plan, twin, other = (BatchPlan(*pairs, tokens_per_batch=200, seed=seed) for seed in (7, 7, 8))
    third = epoch(plan, 3)
    assert epoch(plan, 3) == third == epoch(twin, 3)
    assert len({str(epoch(p, e)) for p in (plan, other) for e in range(5)}) == 10


def test_shuffling_mixes_examples_and_batches():
    source = np.repeat([4, 8, 16], 400)
    plan = BatchPlan(source, source, tokens_per_batch=160, shapes=3)
    orders = [epoch(plan, number) for number in range(2)]
    partners = [{frozenset(indices) for indices, _ in order} for order in orders]
    assert len(partners[0] & partners[1]) == 0, "who is together in a batch changes"
    kinds = [[shape for _, shape in order] for order in orders]
    assert kinds[0] != kinds[1], "the order of shapes changes"
    changes = sum(a != b for a, b in itertools.pairwise(kinds[0]))
    assert changes > len(kinds[0]) / 4, "shapes are mixed"


def test_without_shuffling_the_corpus_order_stays():
    plan = BatchPlan([3, 9, 3, 9, 3, 9], [3, 9, 3, 9, 3, 9], tokens_per_batch=9, shapes=2, shuffle=False)
    assert epoch(plan, 0) == epoch(plan, 1)
    assert epoch(plan) == [([0, 2, 4], (3, 3, 3)), ([1], (1, 9, 9)), ([3], (1, 9, 9)), ([5], (1, 9, 9))]


def test_only_the_largest_shape_has_a_short_batch():
    plan = BatchPlan(*corpus(), tokens_per_batch=600)
    short = [shape for indices, shape in plan.epoch(0) if len(indices) < shape[0]]
    assert len(short) <= 1
    assert set(short) <= {plan.shapes[-1]}


def test_a_shape_that_no_other_holds_keeps_its_own_short_batch():
    plan = plan_of([(100, 2)] * 5 + [(2, 200)] * 5, tokens_per_batch=400, shapes=2)
    assert sorted(plan.shapes) == [(2, 2, 200), (3, 100, 2)]
    assert sorted(len(indices) for indices, _ in plan.epoch(0)) == [1, 2, 2, 2, 3]


def test_the_last_shape_has_no_rows_that_are_empty_in_all_batches():
    """Eleven pairs in batches of ten would leave nine rows empty; in batches of six only one."""
    plan = plan_of([(5, 7)] * 11, tokens_per_batch=70)
    assert plan.shapes == [(6, 5, 7)]
    assert plan.steps == 2


def test_one_pair_is_one_row():
    plan = plan_of([(5, 7)])
    assert plan.shapes == [(1, 5, 7)]
    assert epoch(plan) == [([0], (1, 5, 7))]
    assert plan.waste == 0


def test_few_pairs_make_no_empty_rows():
    assert plan_of([(5, 7)] * 3, tokens_per_batch=4096).shapes == [(3, 5, 7)]


def test_a_pair_longer_than_the_tokens_is_a_batch_of_its_own():
    plan = plan_of([(5000, 10), (5000, 10), (3, 3)], tokens_per_batch=4096, shapes=2)
    assert (1, 5000, 10) in plan.shapes
    assert sorted(len(indices) for indices, _ in plan.epoch(0)) == [1, 1, 1]


def test_more_shapes_waste_less():
    wastes = [BatchPlan(*corpus(20_000), shapes=shapes).waste for shapes in (1, 2, 4, 8, 12, 16)]
    assert wastes == sorted(wastes, reverse=True)
    assert wastes[0] > 0.5
    assert wastes[3] < 0.18


def test_as_many_shapes_as_lengths_waste_nothing():
    plan = plan_of([(s, t) for s in (2, 3, 5) for t in (4, 7)] * 50, tokens_per_batch=14, shapes=6)
    assert len(plan.shapes) == 6
    assert plan.waste < 0.03, "leftovers only"


def test_many_distinct_lengths_and_pairs_plan_well():
    """More distinct lengths than are looked at, a long tail, and the sides differ."""
    generator = np.random.default_rng(0)
    source = np.minimum(20_000, generator.lognormal(4, 0.7, 200_000).astype(int) + 1)
    target = np.maximum(1, source // 7)
    plan = BatchPlan(source, target, tokens_per_batch=8192, shapes=16)
    assert plan.waste < 0.12
    assert sum(len(indices) for indices, _ in plan.epoch(0)) == 200_000


def exhaustive(pairs, shapes):
    """The least cost of any choice of rectangles with corners at lengths that occur."""
    corners = list(itertools.product(sorted({s for s, _ in pairs}), sorted({t for _, t in pairs})))
    best = np.inf
    for choice in itertools.combinations(corners, min(shapes, len(corners))):
        costs = [min((s + t for s, t in choice if s >= a and t >= b), default=np.inf) for a, b in pairs]
        best = min(best, sum(costs))
    return best


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shapes", [1, 2, 3])
def test_the_search_is_near_the_best_there_is(seed, shapes):
    generator = np.random.default_rng(seed)
    source = generator.choice([2, 3, 5, 7, 11], 25)
    target = np.clip(source + generator.integers(-2, 3, 25), 2, 9)
    found, bucket = choose_shapes(source, target, shapes)
    cost = total_cost(found, bucket)
    best = exhaustive(list(zip(source.tolist(), target.tolist(), strict=True)), shapes)
    assert best <= cost <= 1.03 * best


def total_cost(found, bucket):
    return sum(sum(found[number]) for number in bucket.tolist())


def best_cut_cost(source, target, key, shapes):
    """The least cost of cutting the pairs, in the order of `key`, into so many parts; every cut is tried."""
    ranks = [np.flatnonzero(key == value) for value in np.unique(key)]

    @functools.cache
    def part(begin, end):
        members = np.concatenate(ranks[begin:end])
        return len(members) * int(source[members].max() + target[members].max())

    @functools.cache
    def best(begin, left):
        if left == 1:
            return part(begin, len(ranks))
        later = range(begin + 1, len(ranks) - left + 2)
        return min(part(begin, end) + best(end, left - 1) for end in later)

    return best(0, shapes)


def test_the_search_beats_every_cut_by_one_number():
    source, target = corpus(2000)
    shapes = 6
    cost = total_cost(*choose_shapes(source, target, shapes))
    for key in (source, target, np.maximum(source, target), (source + target + 1) // 2):
        assert cost < best_cut_cost(source, target, key, shapes)


def test_sides_that_have_nothing_in_common_still_share_shapes_well():
    """Long sources with short targets and the other way around: cutting by the longer side cannot see that."""
    pairs = [(long, short) for long in range(30, 41) for short in range(1, 5)]
    found, _ = choose_shapes(*np.array(pairs + [(t, s) for s, t in pairs]).T, 2)
    assert sorted(found) == [(4, 40), (40, 4)]


@pytest.mark.parametrize("side", [0, 1])
def test_one_side_may_say_nothing(side):
    """All the difference is in the other side, so the best shapes are those of that side alone."""
    generator = np.random.default_rng(side)
    telling, silent = generator.integers(1, 60, 3000), generator.integers(58, 61, 3000)
    pairs = (telling, silent) if side else (silent, telling)
    cost = total_cost(*choose_shapes(*pairs, 6))
    assert cost <= best_cut_cost(*pairs, telling, 6)


def test_many_pairs_of_two_kinds_have_a_shape():
    """So many that a shape too small for half of them would cost more than 64 bits can tell."""
    source, target = np.full(2 * 10**7, 5), np.repeat([5, 10], 10**7)
    found, bucket = choose_shapes(source, target, 1)
    assert found == [(5, 10)]
    assert not bucket.any()


def test_spare_shapes_are_used():
    """By any one number there are two kinds of pair, and four in truth."""
    source, target = np.array([(s, t) for s in (8, 9) for t in (1, 2)] * 20).T
    assert len(choose_shapes(source, target, 3)[0]) == 3


def test_the_table_says_what_comes():
    plan = plan_of([(3, 4)] * 7 + [(9, 9)] * 3, tokens_per_batch=12, shapes=2)
    lines = str(plan).splitlines()
    assert lines[0].split() == ["batch", "source", "target", "pairs", "batches"]
    assert [line.split() for line in lines[1:-1]] == [["3", "3", "4", "6", "2"], ["1", "9", "9", "4", "4"]]
    assert lines[-1] == f"10 pairs in 6 batches an epoch; {plan.waste:.1%} of source and target cells are padding"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "at least one pair"),
        (([1, 2], [1]), "2 and 1"),
        (([1, 0], [1, 1]), "below 1"),
        (([1], [1], 0), "tokens_per_batch: expected 1 or more, got 0"),
        (([1], [1], 8, 0), "shapes: expected 1 or more, got 0"),
        (([1], [1], 8, 8, -1), "seed: expected 0 or more, got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        BatchPlan(*arguments)
