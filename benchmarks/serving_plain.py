"""What many write first: FastAPI around `tf.saved_model.load`. The peer of `serving_load.py`, which starts it.

python benchmarks/serving_plain.py saved_models/dates/1 8503
"""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops
import uvicorn
from fastapi import FastAPI


def app(folder: str) -> FastAPI:
    """Answer as TensorFlow Serving's row format has it, one request at a time in each thread."""
    model = tf.saved_model.load(folder)
    serve = model.signatures["serving_default"]
    made = FastAPI()

    @made.post("/v1/models/{name}:predict")
    def predict(name: str, body: dict[str, Any]) -> dict[str, Any]:
        out = {key: value.numpy().tolist() for key, value in serve(text=tf.constant(body["instances"])).items()}
        out["text"] = [text.decode() for text in out["text"]]
        rows = zip(*out.values(), strict=True)
        return {"predictions": [dict(zip(out, row, strict=True)) for row in rows]}

    made.state.model = model  # a signature does not keep its model alive
    return made


if __name__ == "__main__":
    uvicorn.run(app(sys.argv[1]), port=int(sys.argv[2]), access_log=False, log_level="warning")
