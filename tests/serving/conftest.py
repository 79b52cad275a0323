"""Small SavedModels made on the spot, and a server of them in this process."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow.compat.v1.saved_model.signature_def_utils import MethodNameUpdater
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from keras_attn.serving import Options, Server


class Half(tf.Module):
    """The model of TensorFlow Serving's own tests, y = x / 2 + b, and whatever else a signature can be."""

    def __init__(self, b: float = 2.0):
        super().__init__()
        self.a, self.b = tf.Variable(0.5), tf.Variable(b)
        self.names = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], ["the first"]), "unknown")

    def _of_examples(self, inputs: tf.Tensor) -> tf.Tensor:
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return self.a * x + self.b

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, name="x")])
    def predict(self, x):
        return {"y": self.a * x + self.b}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": self._of_examples(inputs)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        score = self._of_examples(inputs)
        scores = tf.concat([score, -score], 1)
        return {"scores": scores, "classes": tf.where(scores > 0, "up", "down")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def scores_only(self, inputs):
        return {"scores": self._of_examples(inputs)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="tag"),
            tf.TensorSpec([None, 5], tf.float32, name="signal"),
            tf.TensorSpec([None, 2, 2], tf.int32, name="sensor"),
        ]
    )
    def several(self, tag, signal, sensor):
        return {"tag": tag + "!", "signal": 2 * signal, "sensor": sensor + 1}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def strings(self, text):
        return {"text": text, "raw_bytes": text, "name": self.names.lookup(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def total(self, x):
        return {"total": tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def uneven(self, x):
        return {"x": x, "total": tf.reduce_sum(x, keepdims=True)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def rows(self, x):
        return {"x": x, "rows": tf.fill(tf.shape(x), tf.size(x))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="steps")])
    def slow(self, steps):
        count, _ = tf.while_loop(
            lambda i, _: i < tf.reduce_max(steps), lambda i, m: (i + 1, m @ m), [tf.constant(0, tf.int64), tf.eye(64)]
        )
        return {"steps": steps * 0 + count}

    def typed(self, dtype: tf.DType) -> Any:
        return tf.function(lambda x: {"x": x}, input_signature=[tf.TensorSpec([None], dtype, name="x")])


TYPES = (
    tf.bool,
    tf.int8,
    tf.uint8,
    tf.int16,
    tf.int32,
    tf.uint32,
    tf.int64,
    tf.uint64,
    tf.float32,
    tf.float64,
    tf.half,
)


def save_half(folder: Path, b: float = 2.0, *, small: bool = False) -> Path:
    """Write a version; a small one has the default signature only."""
    module = Half(b)
    signatures: dict[str, Any] = {"serving_default": module.predict}
    if not small:
        names = ("regress", "classify", "scores_only", "several", "strings", "total", "uneven", "rows", "slow")
        signatures |= {name: getattr(module, name) for name in names}
        signatures |= {dtype.name: module.typed(dtype) for dtype in TYPES}
    partial = folder.with_name(f"{folder.name}.partial")
    tf.saved_model.save(module, str(partial), signatures=signatures)
    if not small:
        updater = MethodNameUpdater(str(partial))
        updater.replace_method_name("regress", "tensorflow/serving/regress")
        for name in ("classify", "scores_only"):
            updater.replace_method_name(name, "tensorflow/serving/classify")
        updater.save()
    return partial.rename(folder)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclasses.dataclass
class Client:
    """REST and gRPC of one server."""

    rest_port: int
    port: int

    def __post_init__(self):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def raw(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        status, body = self.raw("GET", path)
        return status, json.loads(body)

    def post(self, path: str, document: Any) -> tuple[int, Any]:
        """POST to /v1/models/...; a document that is text already is sent as it is."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        status, answer = self.raw("POST", f"/v1/models/{path}", body)
        return status, json.loads(answer)

    def error(self, path: str, document: Any, status: int = 400) -> str:
        """What a request that has to fail is told."""
        came, answer = self.post(path, document)
        assert came == status, answer
        assert answer.keys() == {"error"}
        return answer["error"]


def running(**options: Any) -> tuple[Server, Client]:
    """A server on free ports that looks for versions when a test says so."""
    options = {"file_system_poll_wait_seconds": 0, "port": free_port(), "rest_api_port": free_port(), **options}
    server = Server(Options(**options))
    return server, Client(options["rest_api_port"], options["port"])


@pytest.fixture(scope="session")
def half_path(tmp_path_factory) -> Path:
    """A model named half, its version 123."""
    base = tmp_path_factory.mktemp("models") / "half"
    base.mkdir()
    save_half(base / "00000123")
    return base


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> Path:
    """A version to copy: y = x / 2 + 2."""
    return save_half(tmp_path_factory.mktemp("small") / "1", small=True)


@pytest.fixture(scope="session")
def client(half_path):
    """Clients of a server of that model."""
    server, client = running(folder=half_path, rest_api_enable_cors_support=True, max_body_bytes=2**20, max_rows=10_000)
    with server:
        yield client
        client.channel.close()


@pytest.fixture(scope="session")
def newer_model(tmp_path_factory) -> Path:
    """Another version to copy: y = x / 2 + 3."""
    return save_half(tmp_path_factory.mktemp("newer") / "2", b=3.0, small=True)


@pytest.fixture
def base(tmp_path, small_model) -> Path:
    """A model of one's own with version 1."""
    folder = tmp_path / "half"
    shutil.copytree(small_model, folder / "1")
    return folder


@pytest.fixture
def serve():
    """Start a server, stopped at the end: options -> server, client."""
    with contextlib.ExitStack() as stack:

        def start(**options: Any) -> tuple[Server, Client]:
            server, client = running(**options)
            stack.enter_context(server)
            stack.callback(client.channel.close)
            return server, client

        yield start


@pytest.fixture
def served(serve, base):
    """A server of that model: server, client."""
    return serve(folder=base)
