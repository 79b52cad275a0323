"""Versions come and go with the folders on disk, while requests run."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import model_pb2, predict_pb2
from tensorflow_serving.config import file_system_storage_path_source_pb2

from keras_attn.errors import UserError
from keras_attn.serving import Options, Server
from keras_attn.serving.version_policy import versions_on_disk, wanted

Policy = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy
ONE = {"instances": [1.0]}


def states(client, name="half"):
    found = client.get(f"/v1/models/{name}")[1]["model_version_status"]
    return {int(one["version"]): one["state"] for one in found}


def put(model, base, number):
    """A new version appears whole, as an export writes it."""
    partial = base / f"{number}.partial"
    shutil.copytree(model, partial)
    return partial.rename(base / str(number))


@pytest.mark.parametrize(
    ("policy", "numbers"),
    [
        ("", {9}),
        ("latest {}", {9}),
        ("latest { num_versions: 2 }", {9, 4}),
        ("latest { num_versions: 7 }", {9, 4, 1}),
        ("all {}", {9, 4, 1}),
        ("specific { versions: 1 versions: 5 }", {1}),
        ("specific { versions: 5 }", set()),
    ],
)
def test_a_policy_chooses_versions(policy, numbers):
    assert wanted(text_format.Parse(policy, Policy()), [4, 9, 1]) == numbers


def test_folders_with_numbers_are_versions(tmp_path):
    for name in ("1", "00000123", "2.partial", "-3", "x", "١", str(2**64)):
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("no folder")
    assert versions_on_disk(tmp_path) == {1: tmp_path / "1", 123: tmp_path / "00000123"}


@pytest.mark.parametrize("batching", [False, True])
def test_a_new_version_takes_over_and_no_request_fails(serve, base, newer_model, batching):
    server, client = serve(folder=base, enable_batching=batching)
    stop = threading.Event()

    def ask():
        answers = []
        while not stop.is_set():
            answers.append(client.post("half:predict", ONE))
        return answers

    def call():
        request, answers = predict_pb2.PredictRequest(), []
        request.model_spec.name = "half"
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
        while not stop.is_set():
            try:
                found = tf.make_ndarray(client.predictions.Predict(request, timeout=20).outputs["y"])
                answers.append((200, {"predictions": found.tolist()}))
            except grpc.RpcError as error:
                answers.append((error.code().name, error.details()))
        return answers

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(one) for one in (ask, ask, ask, call, call, call)]
        for number in (2, 3, 4):
            put(newer_model, base, number)
            server.manager.poll()
        stop.set()
        answers = [answer for one in asking for answer in one.result()]
    assert not [answer for answer in answers if answer[0] != 200]
    assert {answer["predictions"][0] for _, answer in answers} <= {2.5, 3.5}
    assert client.post("half:predict", ONE) == (200, {"predictions": [3.5]})
    assert states(client) == {4: "AVAILABLE", 3: "END", 2: "END", 1: "END"}
    assert min(len(one.result()) for one in asking) > 1
    error = client.error("half/versions/1:predict", ONE, 404)
    assert error == "Servable not found for request: Specific(half, 1)"


def test_a_broken_version_leaves_the_old_one_and_heals_when_its_files_change(served, base, newer_model):
    server, client = served
    broken = base / "2"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"nothing of the kind")
    server.manager.poll()
    assert client.post("half:predict", ONE) == (200, {"predictions": [2.5]})
    assert states(client) == {2: "END", 1: "AVAILABLE"}
    status = client.get("/v1/models/half/versions/2")[1]["model_version_status"][0]["status"]
    assert status["error_code"] != "OK"
    assert status["error_message"]
    assert client.get("/healthz")[0] == 200
    shutil.copytree(newer_model, broken, dirs_exist_ok=True)
    server.manager.poll()
    assert client.post("half:predict", ONE) == (200, {"predictions": [3.5]})
    assert states(client) == {2: "AVAILABLE", 1: "END"}


def test_a_version_without_its_variables_is_broken(served, base, newer_model):
    server, client = served
    shutil.rmtree(put(newer_model, base, 2) / "variables")
    server.manager.poll()
    assert states(client) == {2: "END", 1: "AVAILABLE"}


def test_going_back_to_the_old_version_is_taking_the_new_one_away(served, base, newer_model):
    server, client = served
    put(newer_model, base, 2)
    server.manager.poll()
    shutil.rmtree(base / "2")
    server.manager.poll()
    assert client.post("half:predict", ONE) == (200, {"predictions": [2.5]})
    assert states(client) == {2: "END", 1: "AVAILABLE"}


def test_a_folder_that_is_away_takes_nothing_down(served, base, tmp_path):
    server, client = served
    base.rename(tmp_path / "elsewhere")
    server.manager.poll()
    assert client.post("half:predict", ONE)[0] == 200


def test_a_request_that_runs_keeps_its_version(served, base, newer_model):
    server, client = served
    with server.manager.lease(model_pb2.ModelSpec(name="half")) as servable:
        put(newer_model, base, 2)
        server.manager.poll()
        assert states(client) == {2: "AVAILABLE", 1: "END"}
        import numpy as np

        assert servable.run("", {"x": np.float32([1])}, ["y"])["y"] == [2.5]
    with pytest.raises(RuntimeError, match="closed Session"):
        servable.run("", {"x": np.float32([1])}, ["y"])


def test_the_server_polls_by_itself(serve, base, newer_model):
    server, client = serve(folder=base, file_system_poll_wait_seconds=0.02)
    loaded = threading.Event()
    load = server.manager._load
    server.manager._load = lambda *given: (load(*given), loaded.set())[0]
    put(newer_model, base, 2)
    assert loaded.wait(20)
    server.manager.poll()  # waits for the one that runs
    assert client.post("half:predict", ONE) == (200, {"predictions": [3.5]})


def test_a_folder_of_models_serves_each(serve, tmp_path, base, newer_model):
    (tmp_path / "other").mkdir()
    put(newer_model, tmp_path / "other", 7)
    _, client = serve(folder=tmp_path)
    assert client.post("half:predict", ONE) == (200, {"predictions": [2.5]})
    assert client.post("other/versions/7:predict", ONE) == (200, {"predictions": [3.5]})


def test_what_cannot_be_served_stops_the_start(base, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken" / "1").mkdir(parents=True)
    for folder, words in (
        (tmp_path / "absent", "cannot be read"),
        (tmp_path / "empty", "found none"),
        (base / "1", "is one version of a model; serve the folder that it is in"),
        (tmp_path / "broken", r"1 servable\(s\) did not become available: \{\{name: broken version: 1\}"),
    ):
        server = Server(Options(folder=folder, port=0, grpc_socket_path=str(tmp_path / "s"), rest_api_port=0))
        with pytest.raises(UserError, match=words):
            server.start()


def test_a_version_that_is_gone_leaves_no_graph_behind(served, base, newer_model):
    """Graphs are kept out of the garbage collector's rounds while they serve, and must not stay out after."""
    server, _ = served
    with server.manager.lease(model_pb2.ModelSpec(name="half")) as servable:
        graph = weakref.ref(servable._session.graph)
    del servable
    put(newer_model, base, 2)
    server.manager.poll()
    assert graph() is None
    tracked = len(gc.get_objects())
    gc.unfreeze()
    assert len(gc.get_objects()) > tracked + 10_000  # that of version 2 is among what the collector passes over
    gc.freeze()
