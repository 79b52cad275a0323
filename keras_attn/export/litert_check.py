"""Does a LiteRT model write what we write?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_attn.export.litert import MODEL
from keras_attn.export.outputs import Output
from keras_attn.export.text_graph import TextGraph
from keras_attn.text import Tokenizer
from keras_attn.text.vocabulary import END, PADDING, START


def greedy_litert(folder: Path, text: Tokenizer, ours: TextGraph, lines: Sequence[str]) -> Output:
    """Greedy search in NumPy around a model of `to_litert`, as its user writes it in a language of their own.

    Args:
        folder: of the converted model.
        text: the `Tokenizer`.
        ours: whose limits hold.
        lines: to decode.
    """
    interpreter = _interpreter(folder / MODEL)
    start, step = interpreter.get_signature_runner("start"), interpreter.get_signature_runner("step")
    written, scores, truncated = [], [], []
    for ids in text.source.encode(lines):
        source = np.array([[*ids[: ours.max_source_length], END]], "int32")
        limit = int(ours.length_factor * (source.size - 1)) + ours.length_extra if len(ids) else 0
        out = start(source=source) if limit else {}
        memory = {name: leaf for name, leaf in out.items() if name.startswith("memory_")}
        row: list[int] = []
        score = 0.0
        while len(row) < limit:
            logits = out["logits"][0].astype("float64")
            word = int(np.argmax(np.where(np.isin(np.arange(len(logits)), (PADDING, START)), -np.inf, logits)))
            score += logits[word] - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            row.append(word)
            if word == END:
                break
            state = {name: leaf for name, leaf in out.items() if name.startswith("state_")}
            out = step(token=np.array([[word]], "int32"), position=np.array(len(row), "int32"), **memory, **state)
        written.append(row)
        scores.append(score)
        truncated.append(len(ids) > ours.max_source_length)
    return Output(text.target.decode(written), np.array(scores, "float32"), np.array(truncated, bool))


def _interpreter(path: Path) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model_path=str(path))
    except ImportError:
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it will move to the package above
            return tf.lite.Interpreter(model_path=str(path))
