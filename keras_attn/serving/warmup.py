"""The requests that a model brings along, answered before it is said to be available."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from keras_attn.serving import examples
from keras_attn.serving.errors import ServingError, as_serving_error, invalid
from keras_attn.serving.metrics import Metrics
from keras_attn.serving.servable import Servable
from keras_attn.serving.tensor_protos import to_arrays

REQUESTS = Path("assets.extra", "tf_serving_warmup_requests")
_MOST = 1000


def warm_up(servable: Servable, metrics: Metrics) -> int:
    """Answer the requests of assets.extra/tf_serving_warmup_requests, and say how many there were.

    Raises:
        ServingError: one of them fails, so the version is not fit to serve, or the file is not what it should be.
    """
    path = servable.path / REQUESTS
    if not path.is_file():
        return 0
    start, status, count = time.perf_counter(), "OK", 0
    try:
        for count, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator(), 1):
            if count > _MOST:
                raise invalid(f"Number of warmup records exceeds the maximum ({_MOST}) at {path}")
            _answer(servable, _parse(record, path))
    except tf.errors.DataLossError as error:
        status = "DATA_LOSS"
        words = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise ServingError("DATA_LOSS", words) from None
    except Exception as error:  # any failure is counted, and raised on
        status = as_serving_error(error).code
        raise
    finally:
        metrics.warmup.labels(str(servable.path), status).observe(1e6 * (time.perf_counter() - start))
    return count


def _parse(record: bytes, path: Path) -> Any:
    log = prediction_log_pb2.PredictionLog()
    try:
        log.ParseFromString(record)
    except Exception:  # protobuf's implementations raise different ones
        raise invalid(f"Failed to parse warmup record from {path}") from None
    return log


def _answer(servable: Servable, log: Any) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        name = request.model_spec.signature_name
        outputs = list(request.output_filter) or list(servable.signature(name).outputs)
        servable.run(name, to_arrays(request.inputs), outputs)
    elif kind in ("classify_log", "regress_log"):
        request = getattr(log, kind).request
        run = examples.classify if kind == "classify_log" else examples.regress
        run(servable, request.model_spec.signature_name, examples.serialized(request.input), None)
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for task in request.tasks:
            run = examples.classify if task.method_name == examples.CLASSIFY else examples.regress
            run(servable, task.model_spec.signature_name, examples.serialized(request.input), None)
    else:
        raise ServingError("UNIMPLEMENTED", f"Unsupported log_type for warmup: {kind}")
