"""The sides of `decoding_speed.py`: each takes strings and gives strings, with the same weights."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import sentencepiece
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from keras_attn.budget import by_length, side_by_side
from keras_attn.data.lines import read_lines
from keras_attn.decoding import Beam, Greedy, Shortlist
from keras_attn.export import TextToText
from keras_attn.export.one_thread import graph, one_thread
from keras_attn.recipes import Run
from keras_attn.recipes.settings import DataSettings
from keras_attn.text.vocabulary import END, PADDING, START

Translate = Callable[[list[str]], list[str]]


def search(beam: int, **more: Any) -> Any:
    """Ours of a width; 1 is greedy."""
    return Greedy(**more) if beam == 1 else Beam(beam, **more)


def alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """A graph of `keras_attn.export.one_thread.graph`, called for one thread."""

    def call(*args: Any) -> Any:
        with one_thread():
            return function(*args)

    return call


def ours(run: Run, beam: int, batch_size: int, scores: bool = False, shortlist: Shortlist | None = None) -> Translate:
    """The graph that `keras-attn decode` runs, with scores or without, among all words or those of a shortlist."""
    model = run.config.model
    limits: dict[str, Any] = {"max_source_length": model.max_source_length, "length_factor": model.length_factor}
    translate = TextToText(run.views, run.text, search(beam), shortlist=shortlist, **limits)
    return lambda lines: list(translate(lines, batch_size, scores).text)


def compiled(run: Run, beam: int, batch_size: int, multiple: int = 8) -> Translate:
    """The same with XLA between the ids of both sides, one compilation for each length of source.

    Args:
        run: the model.
        beam: width.
        batch_size: of every batch; what is missing in the last one is filled up.
        multiple: lengths of source are rounded up to one, and the limit of the output follows from it.
    """
    model = run.config.model

    @tf.function(jit_compile=True, autograph=False)
    def decode(source: tf.Tensor) -> tf.Tensor:
        encoded = run.views.encoder(source, training=False)
        limit = int(model.length_factor * source.shape[1]) + 10
        return search(beam)(run.views.step, encoded["memory"], encoded["state"], limit).ids[:, 0]

    def translate(lines: list[str]) -> list[str]:
        rows = [[*ids[: model.max_source_length], END] for ids in run.text.source.encode(lines)]
        result = [""] * len(lines)
        for chosen in by_length([len(row) for row in rows], 10**9, batch_size):
            length = -(-len(rows[chosen[0]]) // multiple) * multiple
            source = np.full((batch_size, length), PADDING, "int32")
            for place, index in enumerate(chosen):
                source[place, : len(rows[index])] = rows[index]
            texts = run.text.target.detokenize(decode(tf.constant(source))).numpy()
            for index, text in zip(chosen, texts, strict=False):
                result[index] = text.decode("utf-8", "replace")
        return result

    return translate


def rerun(run: Run, batch_size: int) -> Translate:
    """Greedy without a cache, as a loop in Python: source and prefix through the training view for every token."""
    spec = tf.TensorSpec((None, None), "int32")

    @alone
    @graph(spec, spec)
    def following(source: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        logits = run.views.training({"source": source, "target": target}, training=False)
        return tf.argmax(logits[:, -1:], -1, tf.int32)

    def answer(rows: list[list[int]]) -> Any:
        source = tf.constant(keras.utils.pad_sequences(rows, padding="post", value=PADDING))
        target = tf.fill((len(rows), 1), START)
        for _ in range(2 * source.shape[1] + 10):
            target = tf.concat([target, following(source, target)], 1)
            if bool(tf.reduce_all(tf.reduce_any(target == END, 1))):
                break
        return run.text.target.detokenize(target[:, 1:]).numpy()

    def translate(lines: list[str]) -> list[str]:
        rows = [[*ids, END] for ids in run.text.source.encode(lines)]
        batches = by_length([len(row) for row in rows], 10**9, batch_size)
        result = [""] * len(lines)
        answers = side_by_side(lambda chosen: answer([rows[index] for index in chosen]), batches)
        for chosen, texts in zip(batches, answers, strict=True):
            for index, text in zip(chosen, texts, strict=True):
                result[index] = text.decode("utf-8", "replace")
        return result

    return translate


def theirs(
    run: Run,
    folder: Path,
    beam: int,
    batch_size: int,
    compute: str = "float32",
    threads: tuple[int, int] = (1, 2),
    scores: bool = False,
) -> Translate:
    """CTranslate2, with its own sorting, batching and early stop, between two SentencePiece processors.

    Args:
        run: of which `folder` was made, for its SentencePiece models.
        folder: of the converted model.
        beam: width.
        batch_size: most sentences at once.
        compute: its type of computation.
        threads: translators side by side, and threads of each.
        scores: whether it makes scores as well.
    """
    import ctranslate2

    workers, each = threads
    kind = {"device": "cpu", "compute_type": compute, "inter_threads": workers, "intra_threads": each}
    translator = ctranslate2.Translator(str(folder), **kind)
    source, target = (
        sentencepiece.SentencePieceProcessor(model_proto=vocabulary.model_bytes)
        for vocabulary in (run.text.source, run.text.target)
    )
    limits = {"max_input_length": run.config.model.max_source_length, "return_scores": scores}
    limits["min_decoding_length"] = 0  # 1 otherwise

    def translate(lines: list[str]) -> list[str]:
        pieces = source.encode(lines, out_type=str)
        # Ours has a limit for each sentence; here all have that of the longest.
        read = min(max(map(len, pieces)), run.config.model.max_source_length)
        limits["max_decoding_length"] = int(run.config.model.length_factor * read) + 10
        found = translator.translate_batch(pieces, beam_size=beam, max_batch_size=batch_size, **limits)
        return target.decode([one.hypotheses[0] for one in found])

    return translate


def data_of(run: Run) -> DataSettings:
    """The files that the run's recipe names."""
    return DataSettings(**run.config.fields["data"])


def lines_of(run: Run, source: Path | None, most: int) -> list[str]:
    """The first sentences of a file, or of the run's test text."""
    if source is None:
        return [pair.source for pair in itertools.islice(data_of(run).pairs("test"), most)]
    return [line.decode() for line in itertools.islice(read_lines(source), most)]


def apart(run: Run, line: str, *outputs: str) -> float:
    """How far log p of the first token that differs is apart in two outputs."""
    first, second = run.score([line] * 2, list(outputs))
    place = next(i for i, pair in enumerate(zip(first.tokens, second.tokens, strict=False)) if pair[0] != pair[1])
    return abs(float(first.log_p[place] - second.log_p[place]))


def show(title: str, header: list[str], rows: Any) -> None:
    table = Table(*header, title=title)
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
