"""A worker of a training as small as can be: `python toy_workers.py FOLDER SETTINGS`, TF_CONFIG says which one.

Without TF_CONFIG it is a training by one process. It prints "update N" after each, and at the end what it was left
with, as JSON. An error is one line, and exit status 2.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

WORDS = 11


def views():
    """The word after the next, with a gradient that is dense."""
    import keras

    keras.utils.set_random_seed(3)
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    hidden = keras.layers.Dense(5, use_bias=False)(keras.ops.one_hot(target, WORDS))
    logits = keras.layers.Dense(WORDS)(hidden)
    return SimpleNamespace(training=keras.Model({"source": source, "target": target}, logits))


def main(folder, settings):
    import keras
    from toy_training import corpus

    from keras_attn import training
    from keras_attn.data import as_dataset
    from keras_attn.training.callbacks import Checkpoints, EpochLog
    from keras_attn.training.precision import precision
    from keras_attn.training.replicas import Replicas, is_chief, several

    class Tell(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            update = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
            print("update", update, flush=True)
            if os.environ.get("DIES_AFTER") == str(update):
                os.kill(os.getpid(), signal.SIGKILL)

    with several(settings.pop("devices", 1)), precision(settings.pop("precision", "float32")):
        toy = views()

    def score():
        return float(abs(toy.training.get_weights()[0]).sum())

    scores = {"rises": {"score": score}, "falls": {"score": lambda: -score()}, None: {}}
    own = [EpochLog(folder / "log.csv")] if is_chief() else []  # as a recipe's chief has callbacks that others lack
    history = training.fit(
        toy,
        functools.partial(as_dataset, corpus()),
        validation=as_dataset(corpus(shuffle=False)),
        checkpoints=Checkpoints(folder / "checkpoints", every=3),
        callbacks=[Tell(), *own],
        verbose=0,
        **scores[settings.pop("score", None)],
        **{"peak": 0.05, "warmup": 3, "clip_norm": 0.05, **settings},
    )
    left = [weight.tolist() for weight in toy.training.get_weights()]
    found = {"replicas": Replicas.of(toy.training).count}
    if keras.backend.backend() == "jax":
        found["devices"] = len(toy.training.weights[0].value.sharding.device_set)
    return {
        **found,
        "history": {name: list(map(float, values)) for name, values in history.history.items()},
        "left": left,
    }


if __name__ == "__main__":
    from keras_attn.exit_status import exit_status

    sys.exit(exit_status("toy", lambda: print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))))
