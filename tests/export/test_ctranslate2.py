"""CTranslate2 decodes our Transformers as we do; what it cannot hold is refused with the reason."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from keras_attn.errors import UserError
from keras_attn.export import TargetScorer, to_ctranslate2
from keras_attn.export.ctranslate2_check import score_difference
from keras_attn.models import RNNEncoder, TransformerDecoder, TransformerEncoder, Views, seq2seq
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START

PAIRS = [
    ("a man rides a horse", "ein Mann reitet ein Pferd"),
    ("two women are eating", "zwei Frauen essen"),
    ("a horse eats", "ein Pferd frißt"),
    ("日本 women", "Mann"),
]
SOURCES, TARGETS = (list(side) for side in zip(*PAIRS, strict=True))
SIZES: dict[str, Any] = {"layers": 2, "width": 22, "heads": 2, "feed_forward": 13}
LENGTH = 17

# name: fields of both sides, of the encoder, of the decoder, share_embeddings
KINDS: dict[str, tuple[dict, dict, dict, Any]] = {
    "pre": ({}, {}, {}, False),
    "post": ({"norm": "post"}, {}, {}, False),
    "post and a final norm": ({"norm": "post", "final_norm": True}, {}, {"tied": False}, False),
    "pre without one": ({"final_norm": False}, {}, {}, False),
    "learned positions": ({"position": "learned", "places": 41}, {}, {}, False),
    "untied": ({}, {}, {"tied": False}, False),
    "one table": ({}, {}, {}, True),
    "softmax of the source's table": ({}, {}, {}, "softmax"),
    "gelu": ({"activation": "gelu"}, {}, {}, False),
    "swiglu": ({"activation": "swiglu"}, {}, {}, False),
    "sides that differ": ({}, {"layers": 3, "norm": "post", "heads": 11}, {"activation": "gelu"}, False),
}


class Made(NamedTuple):
    views: Views
    sizes: tuple
    text: Tokenizer


def make(kind: str) -> Made:
    both, of_encoder, of_decoder, share = KINDS[kind]
    text = Tokenizer.train(PAIRS, vocabulary_size=300, model="bpe", shared=bool(share))
    sizes = TransformerEncoder(**SIZES | both | of_encoder), TransformerDecoder(**SIZES | both | of_decoder)
    views = seq2seq(*sizes, text.source.size, text.target.size, share_embeddings=share)
    generator = np.random.default_rng(1)
    for weight in views.training.weights:  # what is written shall depend on every weight, and on the source
        matrix, table = len(weight.shape) == 2, "embeddings" in weight.path
        spread = weight.shape[-1] ** -0.5 if table else 1.5 * weight.shape[0] ** -0.5 if matrix else 0.2
        weight.assign(("gamma" in weight.path) + spread * generator.normal(size=weight.shape))
    return Made(views, sizes, text)


def greedily(made: Made) -> list[list[str]]:
    """The pieces that are likeliest one after the other, up to the end."""
    rows = [[*ids, END] for ids in made.text.source.encode(SOURCES)]
    source = np.array([[*row, *[PADDING] * (max(map(len, rows)) - len(row))] for row in rows], "int32")
    target = np.full((len(rows), 1), START, "int32")
    for _ in range(LENGTH):
        logits = made.views.training({"source": source, "target": target})
        target = np.append(target, np.argmax(logits[:, -1:], -1).astype("int32"), axis=1)
    ended = np.cumsum(target == END, axis=1) > 0
    return [made.text.target.pieces(ids[~end][1:]) for ids, end in zip(target, ended, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_what_we_write_and_finds_it_as_likely(kind, tmp_path):
    ctranslate2 = pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    made = make(kind)
    folder = to_ctranslate2(made.views, *made.sizes, made.text, tmp_path / "new" / "1")
    translator = ctranslate2.Translator(str(folder), device="cpu", intra_threads=1)
    pieces = [made.text.source.pieces(ids) for ids in made.text.source.encode(SOURCES)]
    limits = {"max_decoding_length": LENGTH, "min_decoding_length": 0}
    outputs = translator.translate_batch(pieces, beam_size=1, **limits)
    written = [output.hypotheses[0] for output in outputs]
    assert written == greedily(made)
    assert len({tuple(row) for row in written}) > 1  # it has read the source
    # Not `return_scores` of the search: its sums are off by 1e-4 a token, from its own scores as well (4.8.5).
    ours = TargetScorer(made.views, made.text)(SOURCES, TARGETS)
    theirs = translator.score_batch(pieces, [made.text.target.pieces(ids) for ids in made.text.target.encode(TARGETS)])
    for our, their in zip(ours, theirs, strict=True):
        assert our.tokens == their.tokens
        np.testing.assert_allclose(our.log_p, their.log_probs, atol=1e-4)
    assert score_difference(folder, made.text, SOURCES, TARGETS, ours) < 1e-4


def test_the_folder_has_what_a_user_needs(tmp_path):
    pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    made = make("pre")
    folder = to_ctranslate2(made.views, *made.sizes, made.text, tmp_path / "1", quantization="int8", places=31)
    names = {"model.bin", "config.json", "source_vocabulary.json", "target_vocabulary.json"}
    assert {path.name for path in folder.iterdir()} == names | {"source.model", "target.model"}
    assert Tokenizer.load(folder).fingerprint == made.text.fingerprint
    assert folder.stat().st_mode & 0o777 == 0o755
    whole = to_ctranslate2(made.views, *made.sizes, made.text, tmp_path / "2", places=31)
    assert (folder / "model.bin").stat().st_size < 0.6 * (whole / "model.bin").stat().st_size


def test_nothing_is_left_where_a_check_fails_or_something_is_already(tmp_path):
    pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    made = make("pre")

    def check(folder):
        assert (folder / "model.bin").is_file()
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        to_ctranslate2(made.views, *made.sizes, made.text, tmp_path / "1", check=check)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "1").mkdir()
    with pytest.raises(UserError, match="folder: expected one that does not exist yet"):
        to_ctranslate2(made.views, *made.sizes, made.text, tmp_path / "1")


@pytest.mark.parametrize(
    ("encoder", "decoder", "named"),
    [
        ({"position": "t5"}, {}, "encoder: not supported .* because position='t5'"),
        ({}, {"position": "alibi"}, "decoder: .*position='alibi'"),
        ({}, {"self_attention": "multi_query"}, "decoder: .*self_attention='multi_query'"),
        ({}, {"attention": "additive"}, "decoder: .*attention='additive'"),
        (None, {}, "encoder: .*recurrent"),
    ],
)
def test_what_it_cannot_hold_is_refused(encoder, decoder, named, tmp_path):
    sides = RNNEncoder() if encoder is None else TransformerEncoder(**SIZES | encoder)
    with pytest.raises(UserError, match=named):
        to_ctranslate2(None, sides, TransformerDecoder(**SIZES | decoder), None, tmp_path / "1")


def test_an_unknown_quantization_is_refused(tmp_path):
    sizes = TransformerEncoder(**SIZES), TransformerDecoder(**SIZES)
    with pytest.raises(UserError, match="quantization: expected one of 'int8'"):
        to_ctranslate2(None, *sizes, None, tmp_path / "1", quantization="int4")
