"""The gRPC server with its three services."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from keras_attn.errors import UserError
from keras_attn.serving.grpc_service import GrpcModels, GrpcPredictions
from keras_attn.serving.options import Options
from keras_attn.serving.service import Service

_QUIET = 0.1  # seconds without a call, after which none is under way
_LAME_DUCK = 1.0  # seconds that clients have to find out


class GrpcServer:
    """Listen for gRPC.

    Args:
        service: what does the work.
        options: where to listen, with which limits.

    Raises:
        UserError: somebody else listens there, or there is no such address.
    """

    def __init__(self, service: Service, options: Options):
        arguments: dict[str, int | str] = {
            "grpc.so_reuseport": 0,  # or two servers would share the port, each with half of the requests
            "grpc.max_receive_message_length": options.max_body_bytes,
            "grpc.max_send_message_length": -1,
            **dict(options.grpc_options),  # of one that is given twice, gRPC would take the first
        }
        pool = ThreadPoolExecutor(options.grpc_max_threads or options.threads, "grpc")
        self._door = _Door()
        self._server = grpc.server(pool, interceptors=[self._door], options=list(arguments.items()))
        predictions = GrpcPredictions(service, options.max_body_bytes)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(predictions, self._server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(GrpcModels(service), self._server)
        self._health = health.HealthServicer()
        self._health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        host = f"[{options.host}]" if ":" in options.host else options.host
        addresses = [f"{host}:{options.port}"] if options.port else []
        addresses += [f"unix:{options.grpc_socket_path}"] if options.grpc_socket_path else []
        for address in addresses:
            try:
                self._server.add_insecure_port(address)
            except RuntimeError as error:
                raise UserError(f"--port, --grpc_socket_path: cannot listen on {address} (is it in use?)") from error

    def start(self) -> None:
        """Accept connections; returns at once."""
        self._server.start()
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace: float) -> None:
        """Accept nothing more, answer what has come, and return.

        gRPC cancels calls that have come and that nobody has looked at. So those are accepted first, and clients that
        come back then are told to go elsewhere, until none does or the time is over.

        Args:
            grace: seconds that what has come may take.
        """
        self._health.enter_graceful_shutdown()
        time.sleep(min(grace, _QUIET))
        self._door.closed = True
        until = time.monotonic() + min(grace, _LAME_DUCK)
        while time.monotonic() < min(until, self._door.knocked + _QUIET):
            time.sleep(0.01)
        self._server.stop(grace).wait()


class _Door(grpc.ServerInterceptor):
    """Every call passes here when it is accepted, before it waits for a thread; those about health always."""

    def __init__(self) -> None:
        self.closed, self.knocked = False, time.monotonic()

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        if handler_call_details.method.startswith("/grpc.health."):
            return continuation(handler_call_details)
        self.knocked = time.monotonic()
        return grpc.unary_unary_rpc_method_handler(_refuse) if self.closed else continuation(handler_call_details)


def _refuse(request: bytes, context: Any) -> None:
    context.abort(grpc.StatusCode.UNAVAILABLE, "The server is shutting down")
