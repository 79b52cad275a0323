"""What the comparison of two translators asks for, and what it says of outputs whose scores are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_attn.parse import parse
from keras_attn.recipes import load
from keras_attn.training.text_scores import bleu, chrf

REFERENCES = [["a b c d e", "a b"], ["a b c f", None], ["e f g h i", "e f g h"]] * 20
STREAMS = [list(stream) for stream in zip(*REFERENCES, strict=True)]
GOOD = ["a b c d e", "a b c f", "e f g h"] * 20
BAD = ["a b c d x", "a x c f", "e f g h"] * 20


@pytest.fixture
def settings(script):
    files = {split: (f"{split}.en", f"{split}.de") for split in ("train", "valid", "test")}
    return script("gru_and_transformer").Settings(**files, output=Path("runs/x"), minutes=3, tokenize="char", beam=4)


def test_both_commands_ask_for_the_same_data_and_time(script, settings):
    made = script("gru_and_transformer").commands(settings)
    recipes = [parse(load(name), fields, name) for name, *fields in made.values()]
    assert [type(recipe.encoder).__name__ for recipe in recipes] == ["RNNEncoder", "TransformerEncoder"]
    first, second = recipes
    assert first.data == second.data
    assert first.data.valid == ("valid.en", "valid.de")
    assert first.search == second.search
    assert first.search.beam == 4
    assert first.output != second.output
    for recipe in recipes:
        training = recipe.training
        assert (training.minutes, training.updates, training.epochs) == (3, None, None)
        assert (training.schedule, training.ema, training.tokenize) == ("inverse_square_root", 0.999, "char")
    assert [recipe.training.jit for recipe in recipes] == [False, True]  # each at its faster
    assert [recipe.training.warmup for recipe in recipes] == [400, 600]  # of some 3,000 and 2,000 updates


def test_the_table_has_the_scores_of_both_and_their_difference(script, settings):
    table = script("gru_and_transformer").compare({"bad": BAD, "good": GOOD}, STREAMS, settings)
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    entries = [[reference for reference in several if reference] for several in REFERENCES]
    for row, outputs in zip(rows, (BAD, GOOD), strict=True):
        assert row[1].startswith(f"{bleu(outputs, entries, tokenize='char')[0]:.1f} ")
        assert row[2].startswith(f"{chrf(outputs, entries)[0]:.1f} ")
    assert "p = " not in rows[0][1]
    assert "p = 0.001" in rows[1][1]  # of 1,000 draws with the same sentences none is the other way
