"""Requests that a server answers before it says that a version is available."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops

from keras_attn.errors import UserError

RECORDS = Path("assets.extra", "tf_serving_warmup_requests")  # where TensorFlow Serving looks for them


class Request(NamedTuple):
    """The signature that is asked, and an array for each of its inputs; strings are bytes."""

    signature: str
    inputs: dict[str, np.ndarray]


def requests(sources: list[str], targets: list[str]) -> list[Request]:
    """One to each signature, the one of a server's usual client first.

    Args:
        sources, targets: a few real ones, in pairs.
    """
    source, target = (np.array([line.encode() for line in side], object) for side in (sources, targets))
    of_text = ("serving_default", "align", "n_best", "tokenize")
    return [
        *(Request(name, {"text": source}) for name in of_text),
        Request("score", {"source": source, "target": target}),
        Request("detokenize", {"ids": np.full((len(source), 1), 3, "int32")}),
    ]


def write_warmup(folder: Path, model: str, asked: list[Request]) -> bool:
    """Write requests as records of PredictionLog.

    Args:
        folder: of the version.
        model: its name.
        asked: at most 1,000. The first of a signature prepares its graph, which a server waits for.

    Returns:
        False, and nothing is written, where tensorflow-serving-api is not installed, whose protocol buffers they are.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        return False
    (folder / RECORDS).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / RECORDS)) as file:
        for signature, inputs in asked:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = model, signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            file.write(log.SerializeToString())
    return True


def read_warmup(folder: Path) -> list[Request]:
    """What `write_warmup` wrote, read back from the file."""
    from tensorflow_serving.apis import prediction_log_pb2

    found = []
    for record in tf.data.TFRecordDataset(str(folder / RECORDS)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        found.append(Request(request.model_spec.signature_name, inputs))
    return found


def answer(folder: Path, asked: list[Request]) -> list[dict[str, np.ndarray]]:
    """Answer requests in a C++ session. A warm-up request that fails would keep a server from loading.

    Raises:
        UserError: one fails.
    """
    answers = []
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signatures = dict(tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def)
        for name, inputs in asked:
            try:
                answers.append(_run(session, signatures[name], inputs))
            except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
                reason = " ".join(str(error).split())[:200]
                raise UserError(f"export: a request to signature {name!r} fails in a C++ session ({reason})") from error
    return answers


def _run(session: Any, signature: Any, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    given = {info.name: inputs[name] for name, info in signature.inputs.items()}
    return session.run({name: info.name for name, info in signature.outputs.items()}, given)
