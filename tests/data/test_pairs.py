import gzip
import itertools
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_attn.data import Pair, Report, read_pairs
from keras_attn.errors import UserError

text_of_a_cell = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\ufeff"), min_size=1, max_size=20
).filter(str.strip)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        content = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.tsv.gz"])
def test_one_table(write, name):
    pairs = read_pairs(write(name, "a man\tein Mann\ntwo\tzwei\n"))
    assert list(pairs) == [("a man", "ein Mann"), ("two", "zwei")]
    assert next(iter(pairs)) == Pair(source="a man", target="ein Mann")
    assert pairs.name.endswith(name)


@pytest.mark.parametrize(("left", "right"), [*itertools.product(["s.en", "s.en.gz"], ["t.de", "t.de.gz"])])
def test_two_parallel_files(write, left, right):
    paths = write(left, "a man\ntwo\n"), str(write(right, "ein Mann\nzwei"))
    assert list(read_pairs(*paths)) == [("a man", "ein Mann"), ("two", "zwei")]


def test_pairs_of_memory():
    assert list(read_pairs([("a man", "ein Mann"), ["c", "d"]])) == [("a man", "ein Mann"), ("c", "d")]
    assert list(read_pairs(("a", str(i)) for i in range(2))) == [("a", "0"), ("a", "1")]
    assert list(read_pairs({"a": "b"}.items())) == [("a", "b")]
    assert list(read_pairs(read_pairs([("a", "b")]))) == [("a", "b")]


def test_a_corpus_is_gone_through_again_and_again(write):
    for pairs in (read_pairs(write("p.tsv", "a\tb\nc\td")), read_pairs(iter([("a", "b"), ("c", "d")]))):
        first, second = iter(pairs), iter(pairs)
        assert next(first) == next(second) == ("a", "b")
        assert list(first) == list(second) == [("c", "d")]
        assert list(pairs) == [("a", "b"), ("c", "d")]
        assert len(pairs) == 2


def test_it_streams():
    """Nothing is read ahead: not when the corpus is made, not when it is begun."""

    class BreaksAfterTwo:
        def __iter__(self):
            yield from [("a", "b"), ("c", "d")]
            raise RuntimeError("read too far")

    pairs = read_pairs(BreaksAfterTwo())
    assert next(iter(pairs)) == ("a", "b")
    assert list(pairs.take(2)) == [("a", "b"), ("c", "d")]
    with pytest.raises(RuntimeError, match="read too far"):
        list(pairs)


def test_the_file_is_not_held_in_memory(write):
    path = write("p.tsv", "a\tb\n" * 3)
    pairs = read_pairs(path)
    assert len(pairs) == 3
    path.write_text("c\td\n")
    assert list(pairs) == [("c", "d")]


@given(rows=st.lists(st.tuples(text_of_a_cell, text_of_a_cell), min_size=1, max_size=10))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_any_text_survives_a_file(tmp_path, rows, ending):
    """Only a line feed ends a line: not U+2028, U+0085, vertical tab, form feed, file separator or NUL."""
    path = tmp_path / "p.tsv"
    path.write_bytes("".join(f"{s}\t{t}{ending}" for s, t in rows).encode())
    assert list(read_pairs(path, on_bad="refuse")) == rows
    paths = tmp_path / "s", tmp_path / "t"
    for side, file in enumerate(paths):
        file.write_bytes("".join(row[side] + ending for row in rows).encode())
    assert list(read_pairs(*paths, on_bad="refuse")) == rows


def test_byte_order_mark_and_carriage_returns_go_spaces_stay(write):
    assert list(read_pairs(write("p.tsv", "\ufeff a \t b  b \r\nc\rd\te\n"))) == [(" a ", " b  b "), ("c\rd", "e")]
    assert list(read_pairs(write("s", "\ufeffa\r\n"), write("t", "\ufeff\ufeffb"))) == [("a", "\ufeffb")]
    assert list(read_pairs(write("p.tsv", "a\tb\n\ufeffc\td\n"))) == [("a", "b"), ("\ufeffc", "d")]


BAD = b"a\tb\n\tb\na\t\n \t \n\nlonely\nx\xff\ty\ng\th\n" + b"l" * 11 + b"\tm\nn\t" + b"o" * 11 + b"\n"


def test_bad_lines_are_counted_by_reason(write):
    pairs = read_pairs(write("p.tsv", BAD), max_characters=10)
    assert pairs.report == Report(read=10, kept=2, empty=4, too_long=2, invalid_utf8=1, missing_column=1)
    assert list(pairs) == [("a", "b"), ("g", "h")]
    assert len(pairs) == 2
    assert str(pairs.report) == (
        "10 records read, 2 kept; skipped: 4 with an empty side, 2 too long, 1 with invalid UTF-8, "
        "1 with too few columns"
    )
    report = pairs.report
    assert report.read == report.kept + report.empty + report.too_long + report.invalid_utf8 + report.missing_column


def test_the_report_of_a_second_pass_is_not_added(write):
    pairs = read_pairs(write("p.tsv", BAD))
    assert list(pairs) == list(pairs)
    assert pairs.report.read == 10
    pairs.report.read = 0
    assert pairs.report.read == 10, "a report is a copy"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\tb", "source or the target is empty"),
        (b"a\t ", "source or the target is empty"),
        (b"", "line is empty"),
        (b"a", "expected 2 columns or more, got 1"),
        (b"a\xff\tb", "byte 0xff is not valid UTF-8"),
        (b"a\t\xed\xa0\x80", "byte 0xed is not valid UTF-8"),
        (b"a\t" + b"b" * 11, "11 characters are more than max_characters=10"),
    ],
)
def test_refuse_names_file_line_and_reason(write, line, reason):
    path = write("p.tsv", b"ok\tok\n" + line + b"\nok\tok\n")
    pairs = read_pairs(path, on_bad="refuse", max_characters=10)
    with pytest.raises(UserError, match=reason) as error:
        list(pairs)
    assert f"{path}, line 2: " in str(error.value)
    with pytest.raises(UserError, match="line 2"):
        pairs.take(5).references()


def test_refuse_in_parallel_files_and_memory(write):
    with pytest.raises(UserError, match=r"s and .*t, line 2: .*empty"):
        len(read_pairs(write("s", "a\n\n"), write("t", "b\nc\n"), on_bad="refuse"))
    with pytest.raises(UserError, match=r"pair 2: .*empty"):
        list(read_pairs([("a", "b"), ("c", [])], on_bad="refuse"))


def test_both_sides_of_the_length_limit(write):
    path = write("p.tsv", "é" * 10 + "\t" + "é" * 10)
    assert len(read_pairs(path, max_characters=10)) == 1
    assert len(read_pairs(path, max_characters=9)) == 0


def test_further_columns_are_references(write):
    pairs = read_pairs(write("p.tsv", "a\tb\tc\nd\te\nf\tg\t\th\n"))
    assert list(pairs) == [("a", "b"), ("a", "c"), ("d", "e"), ("f", "g"), ("f", "h")]
    assert pairs.references() == (["a", "d", "f"], [["b", "c"], ["e"], ["g", "h"]])
    assert len(pairs) == 5
    assert str(pairs.report) == "3 records read, 3 kept with 2 further references"


def test_chosen_columns(write):
    path = write("p.tsv", "1\ta\tb\tc\n2\td\te\n")
    assert list(read_pairs(path, columns=(2, 1))) == [("b", "a"), ("e", "d")]
    assert list(read_pairs(path, columns=(0, 1))) == [("1", "a"), ("2", "d")]  # what stands behind is no reference
    three = read_pairs(path, columns=[1, 2, 3])
    assert three.references() == (["a"], [["b", "c"]])
    assert three.report.missing_column == 1


def test_equal_sources_are_grouped_on_demand():
    rows = [("a", "1"), ("b", "2"), ("a", "3")]
    assert read_pairs(rows).references() == (["a", "b", "a"], [["1"], ["2"], ["3"]])
    assert read_pairs(rows, group=True).references() == (["a", "b"], [["1", "3"], ["2"]])
    assert read_pairs([*rows, ("b", ["4", "5"])]).references() == (["a", "b"], [["1", "3"], ["2", "4", "5"]])


def test_take(write):
    pairs = read_pairs(write("p.tsv", b"a\tb\n\xff\t\nc\td\te\nf\tg\n"))
    assert list(pairs.take(2)) == [("a", "b"), ("c", "d"), ("c", "e")]
    assert (list(pairs.take(0)), len(pairs.take(1)), len(pairs.take(99))) == ([], 1, 4)
    assert pairs.take(1).report.kept == 1
    assert list(pairs.take(3).take(1)) == [("a", "b")]
    with pytest.raises(UserError, match="count"):
        pairs.take(-1)


@pytest.mark.parametrize(("left", "right", "counts"), [(3, 2, "3 .* 2"), (2, 3, "2 .* 3"), (0, 1, "0 .* 1")])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_parallel_files_of_unequal_length_are_always_refused(write, left, right, counts, ending):
    paths = write(f"s{ending}", "a\n" * left), write(f"t{ending}", "b\n" * right)
    with pytest.raises(UserError, match=f"has {counts.replace(' .* ', ' and .* has ')};"):
        read_pairs(*paths)


def test_a_file_that_shrinks_later_is_noticed(write):
    paths = write("s", "a\nb\n"), write("t", "c\nd\n")
    pairs = read_pairs(*paths)
    write("t", "c\n")
    with pytest.raises(UserError, match="equal numbers of lines"):
        list(pairs)


def test_a_gzip_file_needs_no_ending(tmp_path):
    (tmp_path / "p.tsv").write_bytes(gzip.compress(b"a\tb\n"))
    assert list(read_pairs(tmp_path / "p.tsv")) == [("a", "b")]


def test_files_that_cannot_be_read_are_named(write, tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.tsv does not exist"):
        read_pairs(tmp_path / "nowhere.tsv")
    with pytest.raises(UserError, match="is a folder"):
        read_pairs(tmp_path)
    (tmp_path / "plain.gz").write_text("a\tb\n")
    with pytest.raises(UserError, match=r"plain\.gz is none or damaged"):
        read_pairs(tmp_path / "plain.gz")
    whole = write("p.gz", os.urandom(5000).hex())
    whole.write_bytes(whole.read_bytes()[:-500])
    with pytest.raises(UserError, match=r"p\.gz is none or damaged"):
        list(read_pairs(whole))
    with pytest.raises(UserError, match="UTF-16"):
        read_pairs(write("p.tsv", "a\tb\n".encode("utf-16")))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="regular file"):
        read_pairs(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {}, "got 0 arguments"),
        (([("a", "b")], [("c", "d")]), {}, "got 2 arguments of which 0 are paths"),
        (("a", "b", "c"), {}, "got 3 arguments of which 3 are paths"),
        ((5,), {}, "got 5"),
        (([],), {"on_bad": "ignore"}, 'on_bad: expected "skip" or "refuse"'),
        (([],), {"columns": (0,)}, "columns"),
        (([],), {"columns": (0, -1)}, "columns"),
        (([],), {"max_characters": 0}, "max_characters"),
    ],
)
def test_bad_arguments_are_named(arguments, options, message):
    with pytest.raises(UserError, match=message):
        read_pairs(*arguments, **options)


@pytest.mark.parametrize("item", ["ab", ("a",), ("a", "b", "c"), ("a", 5), (1, "b"), ("a", [2]), 7, None, ("a", b"b")])
def test_items_that_are_no_pairs_are_named(item):
    with pytest.raises(UserError, match="pair 2: expected"):
        list(read_pairs([("a", "b"), item]))
