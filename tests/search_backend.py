"""What searches find on the backend that KERAS_BACKEND names, each as a loop inside a `keras.Model`.

    KERAS_BACKEND=jax python search_backend.py FOLDER

writes FOLDER/found.npz, for decoding/test_search_backends.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 5
PREFIX, PHRASES = np.array([[4, 0], [0, 0]], "int32"), np.array([[[5, 1]], [[4, 0]]], "int32")


def searches() -> dict[str, tuple[str, Any]]:
    """Name -> model, search."""
    from keras_attn import decoding as d

    rules = (d.MinimumLength(factor=0.6), d.NoRepeatNgram(2), d.RepetitionPenalty(1.2), d.SuppressTokens((1,)))
    return {
        "beam-all": ("transformer", d.Beam(3, 3, d.AverageLength(), d.CoveragePenalty(0.3), rules)),
        "sample": ("gru", d.Sample(4, temperature=0.8, top_k=4, top_p=0.95, typical=0.95, rules=rules)),
        "constrained": ("gru", d.ConstrainedBeam(3, 3)),
    }


def found(name: str) -> list[np.ndarray]:
    """What the search of that name finds: ids, score, value."""
    import keras
    from small_search import SOURCE, views

    from keras_attn import decoding as d

    which, search = searches()[name]
    model = views(which)

    class Search(keras.Model):
        def call(self, told: dict) -> tuple:
            encoded = model.encoder(told["source"])
            request = d.Request(told["source"] != 0, told["prefix"], told["phrases"], told["limit"])
            return tuple(search(model.step, encoded["memory"], encoded["state"], LONGEST, request))

    told = {"source": SOURCE, "prefix": PREFIX, "phrases": PHRASES, "limit": np.array([5, 3], "int32")}
    return [np.asarray(leaf) for leaf in Search().predict(told, verbose=0)]


def main(folder: Path) -> None:
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # to import it is an error, as if it were not there
    import keras

    every = {f"{name}-{index}": leaf for name in searches() for index, leaf in enumerate(found(name))}
    np.savez(folder / "found.npz", backend=keras.backend.backend(), **every)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
