"""Train one SentencePiece model on lines of text, whatever their number and content."""

from __future__ import annotations

import io
import logging
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

import sentencepiece

from keras_attn.errors import UserError
from keras_attn.text.cleaning import clean

logger = logging.getLogger("keras_attn")

MODELS = ("unigram", "bpe", "char", "word")
NORMALIZATIONS = {"nfkc": "nfkc", "none": "identity"}
PADDING, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL, BYTES = 4, 256

UNLEARNABLE = re.compile("[\0\u2585]")  # SentencePiece leaves out the word or the line that has one of these
LONGEST = 1000  # unigram's time grows with the square of a repetitive line; a word of 10,000 makes no valid model


def train_model(
    lines: Iterable[str],
    *,
    size: int,
    model: str,
    normalization: str,
    byte_fallback: bool,
    seed: int,
    max_lines: int,
) -> bytes:
    """Return the bytes of a SentencePiece model; see `Vocabulary.train` for the arguments."""
    if model not in MODELS:
        raise UserError(f"model: expected one of {', '.join(MODELS)}, got {model!r}")
    if normalization not in NORMALIZATIONS:
        raise UserError(f"normalization: expected one of {', '.join(NORMALIZATIONS)}, got {normalization!r}")
    if isinstance(lines, str | bytes):
        raise UserError("lines: expected many strings, got a single one; put it in a list")
    if max_lines < 1:
        raise UserError(f"max_lines: expected 1 or more, got {max_lines}")
    fixed = SPECIAL + BYTES * byte_fallback
    if size < fixed + 2:  # the space and one character more
        hint = " or byte_fallback=False" if byte_fallback else ""
        raise UserError(f"size: expected at least {fixed + 2}, got {size}; try a larger size{hint}")
    sample = [part for line in _sample(lines, max_lines, seed) for part in _parts(line)]
    if not sample:
        raise UserError("lines: expected text to learn a vocabulary from, got none; check the input")
    options = {
        "vocab_size": size,
        "model_type": model,
        "normalization_rule_name": NORMALIZATIONS[normalization],
        "byte_fallback": byte_fallback,
        # With bytes to fall back on, the rarest characters need no piece of their own. Not so for words: those with
        # such a character would have none either.
        "character_coverage": 0.9995 if byte_fallback and model in ("unigram", "bpe") else 1.0,
    }
    try:
        trained = _run(sample, options)
    except RuntimeError as error:
        if "required_chars" not in str(error):
            raise UserError(f"lines: SentencePiece cannot learn from this text: {error}") from error
        if not byte_fallback:
            raise UserError(
                f"size: {size} pieces are fewer than the characters of this text; "
                "try a larger size or byte_fallback=True"
            ) from None
        trained = _run(_frequent_only(sample, size - fixed - 1, normalization), options)
    got = sentencepiece.SentencePieceProcessor(model_proto=trained).get_piece_size()
    if got < size:
        logger.info("vocabulary: the text allows %d pieces, fewer than the %d asked for", got, size)
    return trained


def _run(sample: list[str], options: dict) -> bytes:
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample),
        model_writer=buffer,
        hard_vocab_limit=False,
        # These two make decode(encode(s)) == normalize(s): nothing is squeezed, and exactly one space is put
        # in front, which decoding takes away again.
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        max_sentence_length=1 << 30,  # the default silently leaves out lines over 4,192 bytes
        num_threads=4,  # the same on every machine, as sums made per thread show in the result
        minloglevel=2,
        pad_id=PADDING,
        unk_id=UNKNOWN,
        bos_id=START,
        eos_id=END,
        pad_piece="<pad>",
        unk_piece="<unk>",
        bos_piece="<s>",
        eos_piece="</s>",
        **options,
    )
    return buffer.getvalue()


def _sample(lines: Iterable[str], limit: int, seed: int) -> list[str]:
    """Keep at most `limit` lines, each with the same chance (reservoir sampling)."""
    generator = random.Random(seed)
    kept: list[str] = []
    for count, line in enumerate(lines, start=1):
        if count <= limit:
            kept.append(clean(line))
        elif (place := generator.randrange(count)) < limit:
            kept[place] = clean(line)
    return kept


def _parts(line: str) -> Iterator[str]:
    """Cut a line at what cannot be learned, and where it is very long."""
    for part in UNLEARNABLE.split(line):
        for begin in range(0, len(part), LONGEST):
            if part[begin : begin + LONGEST].strip():
                yield part[begin : begin + LONGEST]


def _frequent_only(sample: list[str], characters: int, normalization: str) -> list[str]:
    """Cut the lines at all but the most frequent characters: the others will be spelled in bytes.

    SentencePiece's own `character_coverage` goes down to 0.98 only, too much for Chinese in 1,000 pieces.
    """
    if normalization == "nfkc":
        sample = [unicodedata.normalize("NFKC", line) for line in sample]
    counts: Counter[str] = Counter()
    for line in sample:
        counts.update(line)
    counts[" "] = 0  # the space has a piece anyhow
    kept = "".join(character for character, _ in counts.most_common(characters)) + " "
    rare = re.compile(f"[^{re.escape(kept)}]+")
    return [part for line in sample for part in rare.split(line) if part.strip()]
