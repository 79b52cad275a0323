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


def searches() -> dict[str, tuple[tuple[str, ...], Any]]:
    """Name -> names of models, and what is asked of them: (views, what the encoder gives, source, request) -> found."""
    from keras_attn import decoding as d

    rules = (d.MinimumLength(factor=0.6), d.NoRepeatNgram(2), d.RepetitionPenalty(1.2), d.SuppressTokens((1,)))
    # In the place of 6 words, of which a batch needs at most 5.
    few = d.Shortlist([[0, 0], [1, 0], [0, 0], [0, 0], [5, 0], [4, 5]], always=[0, 1, 2, 3], most=6)

    def by(search: Any, step: Any = lambda views: views.step) -> Any:
        return lambda views, encoded, source, request: search(
            step(views), **encoded, max_length=LONGEST, request=request
        )

    def short(views: Any, encoded: dict, source: Any, request: Any) -> Any:
        alone = d.Request(request.source_mask, limit=request.limit)
        return d.search_short(d.Beam(2, 2), views, few, source, **encoded, max_length=LONGEST, request=alone)

    def scored(views: Any, encoded: dict, source: Any, request: Any) -> Any:
        return d.score(views.step, **encoded, target=source)

    every = d.Beam(3, 3, d.AverageLength(), d.CoveragePenalty(0.3), rules)
    return {
        "beam-all": (("transformer",), by(every)),
        "beam-recurrent": (("gru",), by(every)),
        "sample": (("gru",), by(d.Sample(4, temperature=0.8, top_k=4, top_p=0.95, typical=0.95, rules=rules))),
        "constrained": (("gru",), by(d.ConstrainedBeam(3, 3))),
        "diverse": (("transformer",), by(d.DiverseBeam(4, 4, groups=2))),
        "ensemble": (("gru", "transformer"), by(d.Beam(2, 2))),
        "ready": (("transformer",), by(d.Greedy(rules), d.ReadyStep)),
        "short": (("transformer",), short),
        "scored": (("transformer",), scored),
    }


def found(name: str) -> list[np.ndarray]:
    """What is found under that name, such as ids, score, value."""
    import keras
    from small_search import SOURCE, views

    from keras_attn import decoding as d

    which, search = searches()[name]
    models = [views(one) for one in which]
    model = models[0] if len(models) == 1 else d.Ensemble(models)

    class Search(keras.Model):
        def call(self, told: dict) -> tuple:
            encoded = model.encoder(told["source"])
            request = d.Request(told["source"] != 0, told["prefix"], told["phrases"], told["limit"])
            return tuple(search(model, encoded, told["source"], request))

    told = {"source": SOURCE, "prefix": PREFIX, "phrases": PHRASES, "limit": np.array([5, 3], "int32")}
    return [np.asarray(leaf) for leaf in Search().predict(told, verbose=0)]


def main(folder: Path) -> None:
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # to import it is an error, as if it were not there
    import keras

    every = {f"{name}-{index}": leaf for name in searches() for index, leaf in enumerate(found(name))}
    np.savez(folder / "found.npz", backend=keras.backend.backend(), **every)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
