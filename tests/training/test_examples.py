"""All scores take their examples in the same shapes, and refuse what cannot be scored before decoding."""

from types import SimpleNamespace

import pytest

from keras_attn.errors import UserError
from keras_attn.training.examples import decode_all, sources_and_references

EXPECTED = (["a", "b"], [["x"], ["y", "z"]])


@pytest.mark.parametrize(
    "arguments",
    [
        (["a", "b"], ["x", ["y", "z"]]),
        (("a", "b"), [["x"], ("y", "z")]),
        (iter(["a", "b"]), iter(["x", ["y", "z"]])),
        ([("a", "x"), ("b", ["y", "z"])],),
        (iter([("a", ["x"]), ("b", ("y", "z"))]),),
        (SimpleNamespace(references=lambda: (["a", "b"], [["x"], ["y", "z"]])),),
    ],
)
def test_every_accepted_shape_means_the_same(arguments):
    assert sources_and_references(*arguments) == EXPECTED


def test_limit_keeps_the_first():
    assert sources_and_references(*EXPECTED, limit=1) == (["a"], [["x"]])
    assert sources_and_references(*EXPECTED, limit=9) == EXPECTED


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", "b"], ["x"]), "references: expected one entry per source, got 1 for 2"),
        (([], []), "sources: expected at least one, got none"),
        (([],), "sources: expected at least one, got none"),
        ((["a"], [[]]), r"references: expected one or more strings for every source, got \[\] at index 0"),
        ((["a"], [["x", None]]), r"references: expected one or more strings .* None\] at index 0"),
        (([b"a"], ["x"]), "sources: expected strings, got bytes at index 0"),
        (("ab", ["x", "y"]), "sources: expected a list of strings, got one string"),
        ((["a", "b"], "xy"), "references: expected a list of strings, got one string"),
        ((["ab", "cd"],), "examples: expected .* pairs"),
        (([("a", "b", "c")],), "examples: expected .* pairs"),
        ((["a"], ["x"], 0), "limit: expected at least 1"),
    ],
)
def test_what_cannot_be_scored_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        sources_and_references(*arguments)


def test_outputs_come_back_in_order_though_decoded_by_length():
    calls = []

    def decode(sources):
        calls.append(sources)
        return [source.upper() for source in sources]

    assert decode_all(decode, ["b", "dddd", "", "ccc", "aa"], batch_size=2) == ["B", "DDDD", "", "CCC", "AA"]
    assert calls == [["dddd", "ccc"], ["aa", "b"], [""]]


def test_all_at_once_if_asked():
    calls = []
    decode_all(lambda sources: calls.append(len(sources)) or sources, ["a"] * 100, batch_size=None)
    assert calls == [100]


def test_an_output_with_text_is_taken_for_its_text():
    assert decode_all(lambda s: SimpleNamespace(text=[t * 2 for t in s], score=None), ["a", "b"]) == [
        "aa",
        "bb",
    ]


@pytest.mark.parametrize("wrong", [[], ["x"], ["x"] * 3, ["x", None], ["x", b"y"], "xy", None])
def test_a_decoder_that_does_not_give_one_string_per_source_is_refused(wrong):
    with pytest.raises(UserError, match="decode: expected 2 strings"):
        decode_all(lambda sources: wrong, ["a", "b"])


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(UserError, match="batch_size: expected at least 1"):
        decode_all(lambda sources: sources, ["a"], batch_size=0)
