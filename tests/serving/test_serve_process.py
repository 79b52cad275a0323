"""`keras-attn serve` as a process: it starts, and told to stop it answers what has come."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from keras_attn.serving.rest_server import RestServer


def ports(count):
    """Free ones."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return found


def started(process):
    """Wait until a server says that it serves; gives what it said."""
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("gRPC"):
            break
    return said


def ask(port, asked, answers):
    """Ask over one connection after another, until nobody listens any more: what was sent has to be answered."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.connect()
        except (ConnectionRefusedError, ConnectionResetError):
            return
        while connection.sock is not None:  # until the server says that this answer is the last one
            try:
                try:
                    connection.request("POST", "/v1/models/half:predict", b'{"instances": [1.0]}')
                except ConnectionError:  # closed between two requests: this one was never sent
                    break
                response = connection.getresponse()
                answers.append((response.status, json.loads(response.read())))
            except Exception as error:  # whatever it is, a thread that dies of it would go unseen
                answers.append((0, repr(error)))
                return
            asked.set()


def test_who_connected_before_the_listener_closed_is_answered():
    """Connections that nobody has accepted yet are reset when a listener is closed, with what they have sent."""

    class App:
        draining = False

        async def __call__(self, scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})

    (port,) = ports(1)
    server = RestServer(App(), "127.0.0.1", port)
    server.start()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as first:
        first.request("GET", "/")
        assert first.getresponse().read() == b"ok"
        server._loop.call_soon_threadsafe(time.sleep, 0.5)  # a busy server: nobody accepts
        time.sleep(0.1)
        clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(20)]
        for client in clients:
            client.request("GET", "/")
    server.stop(5)
    assert [client.getresponse().read() for client in clients] == [b"ok"] * 20
    for client in clients:
        client.close()


def request_of(signature, **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "half", signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(value)
    return request


def call(port, asked, answers):
    """The same over gRPC: what the server has begun has to be answered; UNAVAILABLE says that it never did."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        while True:
            try:
                response = stub.Predict(request_of("", x=tf.make_tensor_proto([1.0])), timeout=30)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    answers.append((error.code().name, error.details()))
                return
            answers.append((200, {"predictions": tf.make_ndarray(response.outputs["y"]).tolist()}))
            asked.set()


@pytest.mark.parametrize("batching", [False, True])
def test_sigterm_under_load_loses_no_request(base, batching):
    rest, port = ports(2)
    command = [sys.executable, "-m", "keras_attn", "serve", str(base), f"--rest_api_port={rest}", f"--port={port}"]
    command.append(f"--enable_batching={str(batching).lower()}")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        said = started(process)
        answers, asked = [], [threading.Event() for _ in range(24)]
        clients = [threading.Thread(target=ask, args=(rest, one, answers)) for one in asked[:16]]
        clients += [threading.Thread(target=call, args=(port, one, answers)) for one in asked[16:]]
        for client in clients:
            client.start()
        answered = [one.wait(60) for one in asked]
        process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(60)
        stuck = [client for client in clients if client.is_alive()]
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()  # else leaving would wait for it
        assert not stuck
        assert all(answered), (said, answers[:3])
        assert "Traceback" not in process.stderr.read()
    wrong = [answer for answer in answers if answer != (200, {"predictions": [2.5]})]
    assert not wrong, f"{len(wrong)} of {len(answers)}: {wrong[:3]}"
    assert any("REST: http://127.0.0.1:" in line for line in said)


def test_killed_under_load_it_starts_again_at_the_same_ports_and_socket(base, tmp_path):
    rest, port = ports(2)
    command = [sys.executable, "-m", "keras_attn", "serve", str(base), f"--rest_api_port={rest}", f"--port={port}"]
    command.append(f"--grpc_socket_path={tmp_path / 'socket'}")
    for kill in (True, False):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            said = started(process)
            try:
                answers, asked = [], threading.Event()
                client = threading.Thread(target=ask, args=(rest, asked, answers))
                client.start()
                assert asked.wait(60), said
                over_socket(tmp_path / "socket")
                process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
                client.join(60)
                assert process.wait(60) == (-signal.SIGKILL if kill else 0)
            finally:
                process.kill()
        right = [answer for answer in answers if answer == (200, {"predictions": [2.5]})]
        assert len(right) >= len(answers) - kill > 0  # what a kill interrupts is lost, and that alone


def over_socket(path):
    request = request_of("", x=tf.make_tensor_proto([1.0]))
    with grpc.insecure_channel(f"unix:{path}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert tf.make_ndarray(stub.Predict(request, timeout=30).outputs["y"]).tolist() == [2.5]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_runs_longer_than_it_may_is_given_up(half_path, number):
    """Told to stop, the server says so, answers what ends in time, and ends itself whatever does not."""
    rest, port = ports(2)
    command = [sys.executable, "-m", "keras_attn", "serve", str(half_path), "--drain_seconds=2"]
    command += [f"--rest_api_port={rest}", f"--port={port}", "--rest_api_timeout_in_ms=600000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        started(process)
        try:
            channel = grpc.insecure_channel(f"127.0.0.1:{port}")
            endless = request_of("slow", steps=tf.make_tensor_proto([10**9], tf.int64))
            future = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict.future(endless)
            slow = http.client.HTTPConnection("127.0.0.1", rest, timeout=60)
            slow.request("POST", "/v1/models/half:predict", b'{"signature_name": "slow", "instances": [1000000000]}')
            watcher = http.client.HTTPConnection("127.0.0.1", rest, timeout=60)
            watcher.request("GET", "/healthz")
            assert watcher.getresponse().read() == b'{"ready": true}'
            time.sleep(0.5)  # both are running
            began = time.monotonic()
            process.send_signal(number)
            while process.poll() is None and time.monotonic() < began + 30:
                time.sleep(0.05)
            took = time.monotonic() - began
            assert process.poll() == 0, "it waits for what has no end"
            assert took > 2
            with pytest.raises(grpc.RpcError) as caught:
                future.result(timeout=10)
            assert caught.value.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
            answer = slow.getresponse()
            assert (answer.status, json.loads(answer.read())) == (503, {"error": "The server is shutting down"})
            channel.close()
            slow.close()
            watcher.close()
        finally:
            process.kill()
        assert "Traceback" not in process.stderr.read()
