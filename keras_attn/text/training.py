"""Train one SentencePiece model on lines of text, whatever their number."""

from __future__ import annotations

import io
import logging
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable

import sentencepiece

from keras_attn.errors import UserError
from keras_attn.text.cleaning import clean

logger = logging.getLogger("keras_attn")

MODELS = ("unigram", "bpe", "char", "word")
NORMALIZATIONS = {"nfkc": "nfkc", "none": "identity"}
PADDING, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL = 4
BYTES = 256


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
        raise UserError("lines: expected many strings, got a single one; pass a list of lines")
    fixed = SPECIAL + (BYTES if byte_fallback else 0)
    # The word boundary itself is a piece, so one more than the fixed ones is the least that can work.
    if size < fixed + 2:
        hint = "; a larger size or byte_fallback=False" if byte_fallback else ""
        raise UserError(
            f"size: expected at least {fixed + 2} ({fixed} pieces are fixed), got {size}; try{hint or ' a larger size'}"
        )
    sample = _sample(lines, max_lines, seed)
    if not any(line.strip() for line in sample):
        raise UserError("lines: expected text to learn a vocabulary from, got none; check the input file")
    room = size - fixed
    coverage = _coverage(sample, room, model, normalization, byte_fallback)
    for _ in range(20):
        try:
            trained = _run(sample, size, model, normalization, byte_fallback, coverage)
            break
        except RuntimeError as error:
            if "required_chars" not in str(error) or not byte_fallback:
                raise UserError(
                    f"lines: SentencePiece cannot train {size} pieces on this text: {error}"
                ) from error
            coverage *= 0.99  # SentencePiece normalizes a little differently from Python: leave it more room
    else:
        raise UserError(f"size: {size} pieces are too few for the characters of this text; try a larger size")
    got = sentencepiece.SentencePieceProcessor(model_proto=trained).get_piece_size()
    if got < size:
        logger.info("vocabulary: the text allows %d pieces, fewer than the %d asked for", got, size)
    return trained


def _run(
    sample: list[str], size: int, model: str, normalization: str, byte_fallback: bool, coverage: float
) -> bytes:
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample),
        model_writer=buffer,
        vocab_size=size,
        model_type=model,
        hard_vocab_limit=False,
        normalization_rule_name=NORMALIZATIONS[normalization],
        # These two make decode(encode(s)) == normalize(s): nothing is squeezed, and exactly one boundary is
        # put in front, which decoding takes away again.
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        byte_fallback=byte_fallback,
        character_coverage=coverage,
        max_sentence_length=1 << 30,  # the default silently leaves out lines over 4,192 bytes
        num_threads=4,  # fixed, whatever the machine: sums are made per thread, so the count is part of the result
        minloglevel=2,
        pad_id=PADDING,
        unk_id=UNKNOWN,
        bos_id=START,
        eos_id=END,
        pad_piece="<pad>",
        unk_piece="<unk>",
        bos_piece="<s>",
        eos_piece="</s>",
    )
    return buffer.getvalue()


def _sample(lines: Iterable[str], limit: int, seed: int) -> list[str]:
    """Keep at most `limit` lines, each with equal chance, in order of replacement (reservoir sampling)."""
    generator = random.Random(seed)
    kept: list[str] = []
    for count, line in enumerate(lines, start=1):
        if count <= limit:
            kept.append(clean(line))
        elif (place := generator.randrange(count)) < limit:
            kept[place] = clean(line)
    return kept


def _coverage(sample: list[str], room: int, model: str, normalization: str, byte_fallback: bool) -> float:
    """Share of the running characters that get a piece of their own."""
    if not byte_fallback or model in ("char", "word"):
        return 1.0  # without bytes every seen character must survive
    counts: Counter[str] = Counter()
    for line in sample:
        counts.update(unicodedata.normalize("NFKC", line) if normalization == "nfkc" else line)
    most = [count for _, count in counts.most_common()]
    total = sum(most)
    fits = sum(most[: max(1, room - 2)]) / total
    return 0.9995 if fits >= 0.9995 else max(fits - 1e-6, 1e-3)
