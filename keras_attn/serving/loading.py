"""How a version is loaded: with which threads, which batching, and warmed up."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from keras_attn.serving.batching import Batching
from keras_attn.serving.metrics import Metrics
from keras_attn.serving.options import Options
from keras_attn.serving.servable import Servable
from keras_attn.serving.warmup import warm_up

BATCHING_FILE = "batching_params.pbtxt"


class Loader:
    """name, version, folder -> a `Servable` that is fit to answer.

    Args:
        options: of the server.
        metrics: what is counted.

    Raises:
        UserError: the file of batching parameters makes no sense.
    """

    def __init__(self, options: Options, metrics: Metrics):
        self._options, self._metrics = options, metrics
        self._batching: Batching | None = None
        if options.enable_batching:
            file = options.batching_parameters_file
            self._batching = Batching.read(Path(file)) if file else Batching()
        both = options.tensorflow_session_parallelism
        self._session = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=options.tensorflow_intra_op_parallelism or both,
            inter_op_parallelism_threads=options.tensorflow_inter_op_parallelism or both,
        )

    def __call__(self, name: str, version: int, path: Path) -> Servable:
        status = "fail"
        try:
            servable = Servable(
                name,
                version,
                path,
                batching=self._batching_of(path),
                tags=self._options.saved_model_tags.split(","),
                session=self._session,
            )
            if self._options.enable_model_warmup:
                try:
                    warm_up(servable, self._metrics)
                except BaseException:
                    servable.retire()
                    raise
            status = "success"
            return servable
        finally:
            self._metrics.loads.labels(str(path), status).inc()

    def _batching_of(self, path: Path) -> Batching | None:
        own = path / BATCHING_FILE
        if self._batching and self._options.enable_per_model_batching_parameters and own.is_file():
            return Batching.read(own)
        return self._batching
