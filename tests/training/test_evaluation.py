"""An evaluation scores everything, and each range of source length as if it were alone."""

import io

import numpy as np
import pytest
import sacrebleu
from rich.console import Console

from keras_attn.errors import UserError
from keras_attn.training import bleu, exact_match
from keras_attn.training.evaluation import evaluate, length_ranges

# The decoder drops the last word: long sentences keep more of what they need.
SOURCES = [" ".join(f"w{i}" for i in range(n)) for n in (3, 5, 5, 6, 8, 9, 12, 20)]


def drop_last(sources):
    return [source.rsplit(" ", 1)[0] for source in sources]


def test_scores_equal_a_direct_call_of_sacrebleu():
    found = evaluate(drop_last, SOURCES, SOURCES)
    assert found.hypotheses == drop_last(SOURCES)
    assert found.bleu == sacrebleu.corpus_bleu(drop_last(SOURCES), [SOURCES]).score
    assert found.chrf == sacrebleu.corpus_chrf(drop_last(SOURCES), [SOURCES]).score
    assert found.exact_match == 0.0
    assert found.signature_bleu.startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert found.signature_chrf.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_each_range_of_lengths_is_scored_by_itself():
    found = evaluate(drop_last, SOURCES, SOURCES, buckets=3)
    assert found.length_unit == "words"
    assert [(b.low, b.high, b.count) for b in found.by_length] == [(3, 5, 3), (6, 9, 3), (10, 20, 2)]
    for bucket, chosen in zip(found.by_length, (SOURCES[:3], SOURCES[3:6], SOURCES[6:]), strict=True):
        assert bucket.bleu == sacrebleu.corpus_bleu(drop_last(chosen), [chosen]).score
        assert bucket.chrf == sacrebleu.corpus_chrf(drop_last(chosen), [chosen]).score


def test_lowercase_and_tokenizer_reach_the_scores():
    strict = evaluate(lambda s: [t.upper() for t in s], SOURCES, SOURCES, tokenize="none", buckets=1)
    kind = evaluate(lambda s: [t.upper() for t in s], SOURCES, SOURCES, tokenize="none", lowercase=True, buckets=1)
    assert (strict.bleu, strict.exact_match) == (0.0, 0.0)
    assert (kind.bleu, kind.chrf, kind.exact_match) == (100.0, 100.0, 100.0)
    assert kind.by_length[0].bleu == kind.by_length[0].chrf == kind.by_length[0].exact_match == 100.0
    assert "case:lc" in kind.signature_bleu
    assert "tok:none" in kind.signature_bleu


def test_sources_without_blanks_are_measured_in_characters():
    found = evaluate(lambda s: s, ["一个男人", "骑马", "在 骑马"], ["一个男人", "骑马", "在骑马"], tokenize="zh")
    assert found.length_unit == "characters"
    assert sum(b.count for b in found.by_length) == 3
    assert (found.by_length[0].low, found.by_length[-1].high) == (2, 4)


def test_empty_hypotheses_and_differing_references_are_scored():
    found = evaluate(lambda s: [""] * len(s), ["a b", "c d e"], ["x", ["y", "z w"]])
    assert (found.bleu, found.chrf, found.exact_match) == (0.0, 0.0, 0.0)


def test_pairs_can_be_given_in_place_of_sources():
    pairs = [(source, [source, "else"]) for source in SOURCES]
    assert evaluate(drop_last, pairs).hypotheses == drop_last(SOURCES)


def test_no_buckets_if_asked():
    assert evaluate(drop_last, SOURCES, SOURCES, buckets=0).by_length == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"references": SOURCES[1:]}, "references: expected one entry per source, got 7 for 8"),
        ({"tokenize": "13b"}, "tokenize: expected one of 13a"),
        ({"buckets": -1}, "buckets: expected 0 or more"),
        ({"batch_size": 0}, "batch_size: expected at least 1"),
    ],
)
def test_mistakes_are_told_before_anything_is_decoded(options, message):
    def decode(sources):
        raise AssertionError("decoded")

    with pytest.raises(UserError, match=message):
        evaluate(decode, SOURCES, **{"references": SOURCES, **options})


@pytest.mark.parametrize("seed", range(20))
def test_ranges_meet_every_length_once_and_none_is_empty(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, rng.integers(1, 30), size=rng.integers(1, 200))
    buckets = int(rng.integers(1, 8))
    ranges = length_ranges(lengths, buckets)
    assert 1 <= len(ranges) <= buckets
    hits = np.stack([(lengths >= low) & (lengths <= high) for low, high in ranges])
    assert (hits.sum(axis=0) == 1).all()
    assert (hits.sum(axis=1) > 0).all()


def test_ranges_hold_about_equally_many():
    assert length_ranges(np.arange(1, 101), 4) == [(1, 25), (26, 50), (51, 75), (76, 100)]


def test_the_table_shows_every_range_and_the_whole():
    found = evaluate(drop_last, SOURCES, SOURCES, buckets=2)
    Console(file=(out := io.StringIO()), width=100).print(found.table())
    text = out.getvalue()
    assert text.count("│ ")
    assert "source words" in text
    for row in found.by_length:
        assert f"{row.low}–{row.high}" in text
        assert f"{row.bleu:.1f}" in text
    assert f"{found.bleu:.1f}" in text
    assert found.signature_bleu in text
    assert found.signature_chrf in text


def test_one_line_says_it_all():
    assert str(evaluate(lambda s: s, SOURCES, SOURCES)) == (
        "BLEU 100.0  chrF2 100.0  exact match 100.0 %  (8 sentences)"
    )


def test_a_score_for_training_equals_the_evaluations():
    whole = evaluate(drop_last, SOURCES, SOURCES, lowercase=True, tokenize="char")
    score = bleu.Bleu(drop_last, SOURCES, SOURCES, lowercase=True, tokenize="char")
    assert (score.name, score()) == ("bleu", whole.bleu)
    assert score.hypotheses == whole.hypotheses
    assert score.signature == whole.signature_bleu


def test_exact_match_for_training():
    score = exact_match.ExactMatch(lambda s: ["X ", "z"], [("a", "x"), ("b", ["y", "z"])])
    assert (score.name, score(), score.hypotheses) == ("exact_match", 50.0, ["X ", "z"])
    assert exact_match.ExactMatch(lambda s: ["X ", "z"], [("a", "x"), ("b", "z")], lowercase=True)() == 100.0
    assert exact_match.ExactMatch(lambda s: ["x"], [("a", "x"), ("b", "y")], limit=1)() == 100.0


def test_scores_are_checked_when_made():
    with pytest.raises(UserError, match="tokenize: expected one of"):
        bleu.Bleu(drop_last, SOURCES, SOURCES, tokenize="13b")
    with pytest.raises(UserError, match="sources: expected at least one"):
        bleu.Bleu(drop_last, [], [])
    with pytest.raises(UserError, match="sources: expected at least one"):
        exact_match.ExactMatch(drop_last, [], [])
    for kind in (bleu.Bleu, exact_match.ExactMatch):
        with pytest.raises(UserError, match="decode: expected a callable"):
            kind(SOURCES, SOURCES)
