"""Models of so few words that every output can be listed, and what each is worth, in plain NumPy."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from catalogue import numpy
from keras import ops

from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder, Views, seq2seq
from keras_attn.testing.specimen import fill

PADDING, START, END, WORDS = 0, 2, 3, 6
SPOKEN = [word for word in range(WORDS) if word not in (PADDING, START)]
SOURCE = np.array([[4, 1, 5, 4, 3], [5, 4, 3, 0, 0]], "int32")
LIMITS = np.array([4, 3], "int32")

Rnn = {"units": 5, "embedding": 4, "dropout": 0.0}
Sizes = {"layers": 2, "width": 8, "feed_forward": 7, "heads": 2, "dropout": 0.0}
MODELS = {
    "gru": lambda: (RNNEncoder(**Rnn), RNNDecoder(**Rnn)),
    "lstm-no-attention": lambda: (RNNEncoder(**Rnn, cell="lstm"), RNNDecoder(**Rnn, cell="lstm", attention=None)),
    "transformer": lambda: (TransformerEncoder(**Sizes), TransformerDecoder(**Sizes)),
}

SEEDS = {"gru": 1, "lstm-no-attention": 4, "transformer": 4}  # of such that penalties and rules change the best output


@functools.cache
def views(name: str) -> Views:
    """A model with weights that make it choosy."""
    made = seq2seq(*MODELS[name](), WORDS, WORDS)
    fill(made.training.weights, seed=SEEDS[name])
    for weight in made.step.weights:
        if weight.path.endswith(("logits/kernel", "target_embedding/embeddings")):
            weight.assign(weight * 2)
    return made


@functools.cache
def begun(model: Any) -> dict:
    """Memory and first state for SOURCE."""
    return model.encoder(ops.convert_to_tensor(SOURCE))


def ask(search: Any, model: Views, source: Any = SOURCE, limit: Any = LIMITS, request: Any = None) -> Any:
    """What a search finds, in NumPy."""
    from keras_attn.decoding import Request

    encoded = begun(model) if source is SOURCE else model.encoder(ops.convert_to_tensor(source))
    request = Request(source_mask=source != PADDING) if request is None else request
    return numpy(search(model.step, encoded["memory"], encoded["state"], limit, request))


def words(ids: np.ndarray) -> tuple[int, ...]:
    """Without the padding."""
    return tuple(int(word) for word in ids if word != PADDING)


def all_outputs(limit: int, spoken: list[int] = SPOKEN) -> list[tuple[int, ...]]:
    """Every sequence that ends with the end token or at the limit."""
    going = [word for word in spoken if word != END]
    found = []
    for length in range(1, limit + 1):
        for start in itertools.product(going, repeat=length - 1):
            found += [(*start, word) for word in (spoken if length == limit else [END])]
    return found


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype("float64") - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@dataclass(frozen=True)
class Every:
    """All outputs for one sentence.

    Args:
        outputs: sequences.
        logits: (outputs, limit, words), what the training view says before each token.
        looked: (outputs, limit, source_length) where each token looked, None without attention.
        source: how many words it has.
    """

    outputs: list[tuple[int, ...]]
    logits: np.ndarray
    looked: np.ndarray | None
    source: int

    def score(self, index: int) -> float:
        """log p by the model itself."""
        log_p = log_softmax(self.logits[index])
        return sum(log_p[place, word] for place, word in enumerate(self.outputs[index]))

    def coverage(self, index: int) -> float:
        """Wu et al.'s sum over source words."""
        seen = self.looked[index, : len(self.outputs[index]), : self.source].astype("float64").sum(0)
        return np.log(np.clip(seen, 1e-9, 1)).sum()


@functools.cache
def every(name: str, sentence: int) -> Every:
    """All outputs of a model for one sentence of SOURCE, by one pass without caches and searches."""
    model, limit = views(name), int(LIMITS[sentence])
    outputs = all_outputs(limit)
    source = np.repeat(SOURCE[sentence : sentence + 1], len(outputs), 0)
    before = np.zeros((len(outputs), limit), "int32")
    for row, output in enumerate(outputs):
        before[row, : len(output)] = (START, *output[:-1])
    logits = numpy(model.training({"source": source, "target": before}))
    encoded = model.encoder(source)
    state = {
        key: [
            {part: ops.zeros((*leaf.shape[:2], limit, leaf.shape[3])) for part, leaf in cache.items()}
            for cache in leaves
        ]
        if key == "cache"
        else leaves
        for key, leaves in encoded["state"].items()
    }
    told = {"tokens": ops.convert_to_tensor(before), "position": ops.cast(0, "int32"), "memory": encoded["memory"]}
    weights = numpy(model.step({**told, "state": state})["weights"])
    looked = list(weights.values())[-1].mean(1) if weights else None
    return Every(outputs, logits, looked, int((SOURCE[sentence] != PADDING).sum()))
