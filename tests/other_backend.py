"""What layers, models and the search give on the backend that KERAS_BACKEND names.

    KERAS_BACKEND=jax python other_backend.py FOLDER

reads FOLDER/model.keras and writes FOLDER/numbers.npz, for conformance/test_backends.py. TensorFlow is not used, even
where it is installed.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

SUITE = ("weights", "padding", "steps", "learning", "no leak", "seed")
SEARCHED = ("gru-additive", "lstm-initial", "rnn-every-step")


def of_layer(row: Any) -> list[np.ndarray]:
    """All outputs of a layer."""
    from catalogue import numpy
    from keras import tree

    return tree.flatten(numpy(row.call(row.layer(), row.arrays())))


def of_model(row: Any) -> list[np.ndarray]:
    """The logits, and for some rows what the search finds."""
    from catalogue import numpy

    from keras_attn.decoding import Greedy

    views = row.views()
    found = [views.training(row.inputs())]
    if row.name in SEARCHED:
        encoded = views.encoder(row.source())
        limit = np.array([5, 3], "int32")
        found += Greedy()(views.step, encoded["memory"], encoded["state"], limit)
    return numpy(found)


def held() -> list[str]:
    """Which promises the suite finds kept here, of a layer that keeps them all on TensorFlow."""
    from testing.honest import Honest

    from keras_attn.testing import check_attention

    return check_attention(Honest, only=SUITE, show=False, strict=False).held


def main(folder: Path) -> None:
    """Load a model that another backend saved, once the layers are known to Keras; then all rows."""
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # to import it is an error, as if it were not there
    import keras

    import keras_attn

    for name in keras_attn.layers.__all__:  # what `from keras_attn.layers import *` does
        getattr(keras_attn.layers, name)
    model = keras.models.load_model(folder / "model.keras")
    from catalogue import LAYERS, MODELS, numpy

    (row,) = [row for row in MODELS if row.name == "gru-additive"]
    found = {"file-0": numpy(model(row.inputs()))}
    for rows, numbers in ((LAYERS, of_layer), (MODELS, of_model)):
        for row in rows:
            try:
                found |= {f"{row.name}-{index}": array for index, array in enumerate(numbers(row))}
            except Exception:  # the test of this row shows it
                found[f"{row.name}-error"] = np.array(traceback.format_exc())
    found["suite"] = np.array(held())
    np.savez(folder / "numbers.npz", backend=keras.backend.backend(), **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
