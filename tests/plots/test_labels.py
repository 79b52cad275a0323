"""Every token gets a label that a person can see, in whatever script."""

import pytest
from fontTools.fontBuilder import FontBuilder
from matplotlib import font_manager

from keras_attn.plots.fonts import choose_fonts
from keras_attn.plots.labels import readable


def labels(*tokens, **options):
    return readable(tokens, **options)[0]


@pytest.fixture
def add_font(tmp_path):
    """Make a font of a few characters known to matplotlib for the time of a test."""
    before = list(font_manager.fontManager.ttflist)

    def add(family, characters):
        names = {ord(c): f"u{ord(c):x}" for c in characters}
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder([".notdef", *names.values()])
        builder.setupCharacterMap(names)
        builder.setupGlyf({name: builder_glyph() for name in [".notdef", *names.values()]})
        builder.setupHorizontalMetrics({name: (600, 0) for name in [".notdef", *names.values()]})
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": family, "styleName": "Regular"})
        builder.setupOS2(usWeightClass=400)
        builder.setupPost()
        path = tmp_path / f"{family}.ttf"
        builder.save(path)
        font_manager.fontManager.addfont(path)

    yield add
    font_manager.fontManager.ttflist[:] = before


def builder_glyph():
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 0))
    pen.lineTo((500, 700))
    pen.closePath()
    return pen.glyph()


# Private-use characters: no font of any machine has them, so these tests mean the same everywhere.
NOWHERE, NEITHER = "\U000f1234", "\U000f1235"


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("▁Haus", "▁Haus"),
        ("", "∅"),
        (" ", "␣"),
        ("\n", "↵"),
        ("a\tb", "a⇥b"),
        ("\x00", "U+0000"),
        ("a\u200eb", "aU+200Eb"),
        ("\u200d", "U+200D"),  # a joiner alone is named, ...
        ("می\u200cخواهم", "می\u200cخواهم"),  # ... in a word it belongs to the word's shape
        ("\u0301", "◌\u0301"),
        (NOWHERE, "U+F1234"),
        ("a" + NOWHERE + NEITHER, "aU+F1234·F1235"),
        (NOWHERE * 5, "U+F1234·F1234·F1234·…"),
        ("\udc80", "U+DC80"),
        ("$x_1$", "$x_1$"),
    ],
)
def test_a_token_is_shown_readably(token, label):
    assert labels(token) == [label]


def test_long_tokens_are_cut_with_an_ellipsis():
    assert labels("x" * 24, "x" * 25) == ["x" * 24, "x" * 23 + "…"]


def test_a_title_keeps_its_blanks():
    assert labels("a  b\nc", blanks=False) == ["a b c"]


def test_latin_needs_no_other_font_than_the_one_that_comes_with_matplotlib():
    assert choose_fonts("Straße Привет שלום سلام") == (["DejaVu Sans"], set())


def test_an_installed_font_that_has_the_character_is_found(add_font):
    assert choose_fonts(NOWHERE) == (["DejaVu Sans"], {NOWHERE})
    add_font("Test One", NOWHERE)
    assert choose_fonts("a" + NOWHERE) == (["DejaVu Sans", "Test One"], set())


def test_fonts_made_for_many_scripts_are_tried_first_and_only_needed_ones_are_taken(add_font):
    add_font("A Test", NOWHERE)
    add_font("Noto Sans Test", NOWHERE + NEITHER)
    assert choose_fonts(NOWHERE + NEITHER) == (["DejaVu Sans", "Noto Sans Test"], set())


def test_a_damaged_font_file_is_passed_over(add_font, tmp_path):
    add_font("Broken Test", NOWHERE)
    (tmp_path / "Broken Test.ttf").write_bytes(b"not a font")
    assert choose_fonts(NOWHERE) == (["DejaVu Sans"], {NOWHERE})
