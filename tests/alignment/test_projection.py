"""Tags and placeholders go where the words go, none is lost, and all are closed in order."""

from __future__ import annotations

import random
import re
from types import SimpleNamespace

import numpy as np
import pytest

from keras_attn.alignment import project_marks, translate_marked
from keras_attn.alignment.markup import TAG, read_marks
from keras_attn.errors import UserError


def alignment(source, output, looks):
    """An output each of whose words looks at one word of the source."""
    source_tokens = [*(f"▁{word}" for word in source.split()), "</s>"]
    target_tokens = [*(f"▁{word}" for word in output.split()), "</s>"]
    weights = np.full((len(target_tokens), len(source_tokens)), 0.01)
    weights[np.arange(len(looks)), list(looks)] = 0.9
    return SimpleNamespace(text=output, source_tokens=source_tokens, target_tokens=target_tokens, weights=weights)


def project(marked, output, looks):
    return project_marks(marked, alignment(read_marks(marked)[0], output, looks))


@pytest.mark.parametrize(
    ("marked", "output", "looks", "wanted"),
    [
        ("<b>big</b> dog", "chien grand", [1, 0], "chien <b>grand</b>"),
        ("a <b>big dog</b> ran", "ein großer Hund lief", range(4), "ein <b>großer Hund</b> lief"),
        ("<b>took off</b> it", "nahm es ab", [0, 2, 1], "<b>nahm</b> es <b>ab</b>"),  # apart: each run
        ("<b>all</b>", "tous tous", [0, 0], "<b>tous tous</b>"),
        ("<b>a <i>b</i></b> c", "B A C", [1, 0, 2], "<b><i>B</i> A</b> C"),
        ("<b>a</b> <b>b</b>", "A B", [0, 1], "<b>A</b> <b>B</b>"),  # two tags, not one
        ('<a href="x y">a</a>, b', "B A,", [1, 0], 'B <a href="x y">A,</a>'),
        ("wo<b>rd</b>s here", "Wörter hier", [0, 1], "<b>Wörter</b> hier"),  # whole words
        ("<b>of</b> men", "hommes", [1], "<b></b>hommes"),  # no output word: kept, in front
        ("men <b>of</b> old", "hommes vieux", [0, 2], "hommes<b></b> vieux"),
        ("a<br/> b", "B A", [1, 0], "B A<br/>"),  # behind the output of a
        ("a<br/> b", "A B A", [0, 1, 0], "A B A<br/>"),  # behind all of it
        ("a <br>b", "A B", [0, 1], "A<br> B"),  # never closed
        ("<p>a <br> b</p>", "A B", [0, 1], "<p>A<br> B</p>"),
        ("<b>a</b><br/> b", "A B", [0, 1], "<b>A</b><br/> B"),
        ("a <b></b> b", "A B", [0, 1], "A<b></b> B"),
        ("if 1 < 2 and 3>2", "si 1 < 2 et 3>2", range(6), "si 1 < 2 et 3>2"),
        ("<b>a</b>", "", [], "<b></b>"),
        ("<b>a</b> c", "A  C ", [0, 1], "<b>A</b>  C "),  # spaces are kept
    ],
)
def test_tags_are_put_around_the_words_that_come_from_theirs(marked, output, looks, wanted):
    assert project(marked, output, looks) == wanted


@pytest.mark.parametrize(
    ("marked", "output", "looks", "wanted"),
    [
        ("Hello {name} !", "Bonjour nom !", range(3), "Bonjour {name} !"),
        ("Hello {name}, you", "toi , bonjour { name }", [2, 1, 0, 1, 1, 1], "toi , bonjour {name},"),
        ("Hello {name}", "Bonjour {name}", [0, 0], "Bonjour {name}"),  # the model copied it
        ("Hello {name} !", "Bonjour !", [0, 2], "Bonjour {name} !"),
        ("{name} slept", "dormit", [1], "{name} dormit"),
        ("{a} and {a}", "{a} et x", [2, 1, 0], "{a} et {a}"),
        ("<b>{n} files</b> left", "encore fichiers", [2, 1], "<b>{n}</b> encore <b>fichiers</b>"),
        ("{n}", "", [], "{n}"),
    ],
)
def test_placeholders_that_the_output_has_not_are_copied(marked, output, looks, wanted):
    assert project(marked, output, looks) == wanted


def test_words_are_found_where_tokens_were_cut_or_spelled_otherwise():
    normalized = alignment("a 1 ⁄2 c", "A C", [0, 3])
    assert project_marks("a ½ <b>c</b>", normalized) == "A <b>C</b>"
    assert project_marks("<b>a</b> x y z", alignment("a x", "A X", [0, 1])) == "<b>A</b> X"


@pytest.mark.parametrize("text", ["a</b>", "<b><i>a</b></i>", "<B>a</b>"])
def test_a_tag_that_closes_nothing_is_named(text):
    with pytest.raises(UserError, match=re.escape(re.findall("</.>", text)[-1])):
        read_marks(text)


def test_whatever_the_alignment_every_tag_is_there_and_closed_in_order():
    draw = random.Random(0)
    for _ in range(300):
        pieces, opened = [], []
        for number in range(draw.randint(1, 7)):
            if draw.random() < 0.5:
                opened.append(f"t{number}")
                pieces.append(f"<t{number}>")
            pieces.append(draw.choice([f"w{number}", f" {{v{number}}} ", " ", f"<br{number}/>"]))
            while opened and draw.random() < 0.4:
                pieces.append(f"</{opened.pop()}>")
        marked = "".join(pieces + [f"</{name}>" for name in reversed(opened)])
        count = len(read_marks(marked)[0].split())
        looks = [draw.randrange(count) for _ in range(draw.randint(0, 5))] if count else []
        result = project(marked, " ".join(f"o{place}" for place in range(len(looks))), looks)
        assert {tag[0] for tag in TAG.finditer(marked)} == {tag[0] for tag in TAG.finditer(result)}
        assert set(re.findall(r"\{.*?\}", marked)) == set(re.findall(r"\{.*?\}", result))
        stack = []
        for tag in TAG.finditer(result):
            if tag["end"]:
                assert stack.pop() == tag["name"], (marked, result)
            elif not tag["alone"]:
                stack.append(tag["name"])
        assert not stack


def test_the_model_reads_the_text_without_tags():
    seen = []

    def align(lines):
        seen.extend(lines)
        return [alignment(line, line.upper(), range(len(line.split()))) for line in lines]

    assert translate_marked(align, ["<b>big</b> dog", "x"]) == ["<b>BIG</b> DOG", "X"]
    assert seen == ["big dog", "x"]
