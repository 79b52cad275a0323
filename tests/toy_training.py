"""A training as small as can be in which everything matters that a checkpoint has to hold; and its violent end.

As a program, `python toy_training.py JOBS` with JOBS a list of (folder, moments, settings) in JSON, it trains in a
process of its own for each of the moments, and that process kills itself, by SIGKILL, when it gets there. A moment is
(name, n), the n-th of its kind, 0 for never: around a "batch", in a "score", around what happens to a checkpoint or the
best weights: "write", "fsync", "replace".
"""

from __future__ import annotations

import contextlib
import csv
import functools
import json
import os
import pickle
import signal
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

EPOCHS, WORDS = 3, 11
CLOCKED = {"seconds"}  # what differs between any two runs


class Moments:
    """Calls `end` at the n-th moment of a kind."""

    def __init__(self, kind, count, end):
        self.kind, self.left, self.end = kind, count, end

    def __call__(self, name):
        self.left -= name == self.kind
        if self.left == 0 and name == self.kind:
            self.end()

    @contextlib.contextmanager
    def in_files(self):
        """Count what happens to files, before and after."""
        places = [(os, "replace"), (os, "fsync"), (zipfile._ZipWriteFile, "write")]
        originals = [getattr(place, name) for place, name in places]

        def counted(original):
            def function(*arguments, **named):
                self(original.__name__)
                result = original(*arguments, **named)
                self(original.__name__)
                return result

            return function

        for (place, name), original in zip(places, originals, strict=True):
            setattr(place, name, counted(original))
        try:
            yield
        finally:
            for (place, name), original in zip(places, originals, strict=True):
                setattr(place, name, original)


def views(dropout=0.3):
    """The word after the next, through dropout."""
    import keras

    keras.utils.set_random_seed(3)
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    hidden = keras.layers.Dropout(dropout)(keras.layers.Embedding(WORDS, 5)(target))
    return SimpleNamespace(
        training=keras.Model({"source": source, "target": target}, keras.layers.Dense(WORDS)(hidden))
    )


def corpus(**settings):
    """44 pairs of letters in batches of two shapes."""
    import random

    from keras_attn.data import Epochs
    from keras_attn.text import Tokenizer

    draw = random.Random(5)
    pairs = [tuple("".join(draw.choices("abcdef", k=draw.randint(1, 6))) for _ in range(2)) for _ in range(44)]
    text = Tokenizer.train(pairs, vocabulary_size=300, model="char", byte_fallback=False)
    assert text.target.size <= WORDS
    return Epochs(pairs, text, **{"tokens_per_batch": 48, "shapes": 2, "seed": 1, **settings})


def train(folder, moment=lambda name: None, **settings):
    """Train, and return all that must not depend on how often it was stopped: {name: arrays and numbers}."""
    import keras
    import numpy as np

    from keras_attn import training
    from keras_attn.data import as_dataset
    from keras_attn.training.callbacks import Checkpoints, EpochLog
    from keras_attn.training.checkpoint import Checkpoint

    toy = views()

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            moment("batch")

        def on_train_batch_end(self, batch, logs=None):
            moment("batch")

    def score():
        """Up and down, and another at the least difference."""
        moment("score")
        return sum(float(np.abs(weight).sum()) for weight in toy.training.get_weights()) % 3

    history = training.fit(
        toy,
        functools.partial(as_dataset, corpus()),
        validation=as_dataset(corpus(shuffle=False)),
        score=score,
        best=folder / "best.weights.h5",
        checkpoints=Checkpoints(folder / "checkpoints", every=3, minutes=None),
        callbacks=[EpochLog(folder / "log.csv"), Watch()],
        verbose=0,
        **{"epochs": EPOCHS, "peak": 0.05, "warmup": 3, **settings},
    )
    last = Checkpoint.read(max((folder / "checkpoints").glob("*.npz")))
    kept = [
        (name, {key: v for key, v in values.items() if key not in CLOCKED}) for name, values in last.notes["callbacks"]
    ]
    return {
        "last": {kind: [array.tobytes() for array in arrays] for kind, arrays in last.arrays.items()},
        "callbacks": kept,
        "place": (last.notes["epoch"], last.notes["batch"], last.notes["stopped"]),
        "left": [weight.tobytes() for weight in toy.training.get_weights()],
        "history": {name: list(map(float, values)) for name, values in history.history.items()},
        "log": list(csv.DictReader((folder / "log.csv").open())),
    }


def main():
    import tensorflow  # noqa: F401, before the fork: the children share what is slow

    import keras_attn.data.batching
    import keras_attn.training.fitting  # noqa: F401, for the same reason

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    for folder, moments, settings in json.loads(sys.argv[1]):
        for kind, count in moments:
            child = os.fork()
            if child == 0:
                moment = Moments(kind, count, kill)
                with moment.in_files():
                    found = train(Path(folder), moment, **settings)
                (Path(folder) / "found.pickle").write_bytes(pickle.dumps(found))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            print(f"exit status {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
