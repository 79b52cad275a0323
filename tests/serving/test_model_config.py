"""Several models, labels and reloads: what --model_config_file and HandleReloadConfigRequest can say."""

from __future__ import annotations

import shutil
import threading
import time

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2
from tensorflow_serving.config import model_server_config_pb2

from keras_attn.errors import UserError
from keras_attn.serving import Options, Server

ONE = {"instances": [1.0]}


@pytest.fixture
def both(base, newer_model):
    """A model with versions 1 and 2."""
    shutil.copytree(newer_model, base / "2")
    return base


def entry(name, base, more=""):
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {more} }}'


def text(*entries):
    return f"model_config_list {{ {' '.join(entries)} }}"


def reload(client, *entries):
    config = text_format.Parse(text(*entries), model_server_config_pb2.ModelServerConfig())
    return client.models.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest(config=config))


def test_labels_are_given_by_a_reload_to_what_is_available(serve, both):
    _, client = serve(folder=both)
    policy = "model_version_policy { specific { versions: 1 versions: 2 } }"
    labels = 'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }'
    with pytest.raises(grpc.RpcError) as caught:
        reload(client, entry("half", both, policy + labels))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == (
        "Request to assign label to version 1 of model half, which is not currently available for inference"
    )
    assert client.error("half/labels/canary:predict", ONE) == "Unrecognized servable version label: canary"
    assert reload(client, entry("half", both, policy)).status.error_code == 0
    reload(client, entry("half", both, policy + labels))
    assert client.post("half/labels/stable:predict", ONE) == (200, {"predictions": [2.5]})
    assert client.post("half/labels/canary:predict", ONE) == (200, {"predictions": [3.5]})
    assert client.get("/v1/models/half/labels/stable")[1]["model_version_status"][0]["version"] == "1"
    assert client.get("/v1/models/half/labels/stable/metadata")[1]["model_spec"]["version"] == "1"
    moved = 'version_labels { key: "stable" value: 2 }'
    reload(client, entry("half", both, policy + moved))
    assert client.post("half/labels/stable:predict", ONE) == (200, {"predictions": [3.5]})


def test_labels_at_the_start_need_a_flag(serve, both, tmp_path):
    config = tmp_path / "models.config"
    config.write_text(text(entry("half", both, 'version_labels { key: "stable" value: 2 }')))
    flags = {"model_config_file": str(config), "port": 0, "rest_api_port": 0, "grpc_socket_path": str(tmp_path / "s")}
    with pytest.raises(UserError, match="Request to assign label to version 2 of model half"):
        Server(Options(**flags)).start()
    _, client = serve(model_config_file=str(config), allow_version_labels_for_unavailable_models=True)
    assert client.post("half/labels/stable:predict", ONE) == (200, {"predictions": [3.5]})


def test_a_reload_adds_and_takes_away_models(serve, both):
    _, client = serve(folder=both)
    reload(client, entry("half", both), entry("again", both, "model_version_policy { all {} }"))
    assert client.post("again/versions/1:predict", ONE) == (200, {"predictions": [2.5]})
    reload(client, entry("again", both))
    assert client.error("half:predict", ONE, 404) == "Servable not found for request: Latest(half)"
    assert client.error("again/versions/1:predict", ONE, 404).startswith("Servable not found")
    assert client.post("again:predict", ONE) == (200, {"predictions": [3.5]})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('config { name: "x" base_path: "/absent" model_platform: "tensorflow" }', "Could not find base path /absent"),
        ('config { name: "x" base_path: "/" }', "Illegal setting neither ModelServerConfig::model_type (deprecated)"),
        ('config { name: "x" base_path: "/" model_platform: "caffe" }', "model platform caffe is not supported"),
        ('config { name: "x" model_platform: "tensorflow" }', "Expected model to have a name and a base_path"),
    ],
)
def test_a_reload_that_makes_no_sense_changes_nothing(serve, base, line, words):
    _, client = serve(folder=base)
    with pytest.raises(grpc.RpcError) as caught:
        reload(client, line)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert words in caught.value.details()
    assert client.post("half:predict", ONE)[0] == 200


def wait_for(true):
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_file_is_read_again(serve, both, tmp_path, caplog):
    config = tmp_path / "models.config"
    config.write_text(text(entry("half", both)))
    server, client = serve(model_config_file=str(config), model_config_file_poll_wait_seconds=0.02)
    configure, done = server.manager.configure, threading.Event()

    def watched(given):
        configure(given)
        if len(given.model_config_list.config) == 2:
            done.set()

    server.manager.configure = watched
    config.write_text("nonsense {")
    wait_for(lambda: f"{config}: expected a ModelServerConfig" in caplog.text)
    assert client.post("half:predict", ONE) == (200, {"predictions": [3.5]})
    caplog.set_level("INFO")
    config.write_text("")  # as one who writes it leaves it for a moment
    wait_for(lambda: "Taking no action for empty config." in caplog.text)
    assert client.post("half:predict", ONE) == (200, {"predictions": [3.5]})
    config.write_text(text(entry("half", "/absent")))
    wait_for(lambda: "Could not find base path /absent" in caplog.text)
    assert client.post("half:predict", ONE) == (200, {"predictions": [3.5]})
    config.write_text(text(entry("half", both), entry("again", both)))
    assert done.wait(20)
    assert "Traceback" not in caplog.text
    assert client.post("again:predict", ONE) == (200, {"predictions": [3.5]})


def test_health_is_that_of_each_model_that_is_listed(serve, both, tmp_path):
    (tmp_path / "empty").mkdir()
    _, client = serve(folder=both)
    with pytest.raises(grpc.RpcError) as caught:
        reload(client, entry("half", both), entry("empty", tmp_path / "empty"))
    assert "1 servable(s) did not become available" in caught.value.details()
    assert client.get("/healthz") == (503, {"ready": False})
    assert client.post("half:predict", ONE)[0] == 200
    reload(client, entry("half", both))
    assert client.get("/healthz") == (200, {"ready": True})
