"""The comparison of alignments: what is trained, what is chosen on which verses, and what the table says."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from keras_attn.alignment import Look, parse_links
from keras_attn.errors import UserError
from keras_attn.parse import parse
from keras_attn.recipes import load

OLD = ["the ass spake", "he goeth up"]
NEW = ["the donkey spoke", "he goes up"]
LINKS = ["1-1 2-2", "1-1 2-2"]


@pytest.fixture
def page(script):
    return script("alignment_quality")


@pytest.fixture
def verses(page, tmp_path):
    for kind, lines in (("kjv", OLD), ("web", NEW), ("align", LINKS)):
        with gzip.open(tmp_path / f"valid.{kind}.gz", "wt", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
    return page.Verses.read(tmp_path, "valid")


def test_both_learn_from_the_same_verses_for_the_same_time(page):
    made = page.commands(page.Settings(output=Path("runs/x"), minutes=3, data=Path("bible")))
    first, second = (parse(load(name), fields, name) for name, *fields in made.values())
    assert first.data == second.data
    assert first.data.train == ("bible/train.kjv.gz", "bible/train.web.gz")
    assert first.data.valid == ("bible/valid.kjv.gz", "bible/valid.web.gz")
    assert first.text.vocabulary_size == second.text.vocabulary_size
    assert first.text.shared
    assert second.text.shared
    for recipe in (first, second):
        assert (recipe.training.minutes, recipe.training.updates, recipe.training.epochs) == (3, None, None)
        assert (recipe.training.schedule, recipe.training.ema) == ("inverse_square_root", 0.999)
        assert (recipe.search.beam, recipe.training.tokens_per_batch) == (1, 4096)
    assert [command[-1] for command in made.values()] == ["runs/x/text-to-text", "runs/x/text-to-text-transformer"]


def looking(head):
    """Weights of two heads of which one looks, if faintly, at words in their order, and the other somewhere else."""
    weights = np.tile(0.9 * np.roll(np.eye(4), 1, axis=1), (2, 1, 1))
    weights[head] = 0.1 + 0.3 * np.eye(4)
    tokens = ["▁a", "▁b", "▁c", "</s>"]
    return SimpleNamespace(weights={"decoder": weights}, source_tokens=tokens, target_tokens=tokens)


def test_a_half_is_read_where_the_other_half_is_best(page):
    gold = [parse_links("0-0 1-1 2-2")] * 4
    attentions = [looking(0)] * 2 + [looking(1)] * 2
    found, looks = page.by_the_other_half(attentions, gold)
    assert [look.head for look in looks] == [1, 0]
    assert looks[0].shift == 0
    assert found[0] == Look("decoder", 1)(attentions[0]) != gold[0].sure  # by its own links it would be right


def test_the_table_counts_linked_words_and_those_that_differ(page, verses):
    table = page.compare(page.baselines(verses), verses)
    rows = {cells[0]: cells[1:] for cells in zip(*(column.cells for column in table.columns), strict=True)}
    assert rows["same string"] == ("100.0 %", "25.0 %", "60.0 %", "nan %", "0.0 %", "100.0 %")
    assert rows["diagonal"] == ("100.0 %", "100.0 %", "0.0 %") * 2
    assert rows["same string, else diagonal"] == rows["diagonal"]
    assert "(4)" in table.columns[1].header
    assert "(3)" in table.columns[4].header


def test_what_a_statistical_aligner_said_before_is_read_again(page, verses, tmp_path):
    (tmp_path / "eflomal.txt").write_text("0-0\n1-1\n2-2 0-1\n")  # a training verse and these two
    links = page.statistical(page.Settings(output=tmp_path, data=tmp_path), verses)
    assert links == [frozenset({(1, 1)}), frozenset({(2, 2), (0, 1)})]


def test_words_that_are_not_those_of_the_links_are_told(page, verses):
    cut = SimpleNamespace(source_tokens=["▁the", "</s>"], target_tokens=["▁the", "</s>"], weights={})
    run = SimpleNamespace(attention=lambda sources, targets: [cut, cut])
    with pytest.raises(UserError, match="words of 'the ass spake': expected 3, got 1"):
        page.attention(run, verses)
