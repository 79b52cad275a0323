"""The gRPC server with its three services."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from keras_attn.errors import UserError
from keras_attn.serving.grpc_service import GrpcModels, GrpcPredictions
from keras_attn.serving.options import Options
from keras_attn.serving.service import Service


class GrpcServer:
    """Listen for gRPC.

    Args:
        service: what does the work.
        options: where to listen, with which limits.

    Raises:
        UserError: somebody else listens there, or there is no such address.
    """

    def __init__(self, service: Service, options: Options):
        limits: list[tuple[str, int | str]] = [
            ("grpc.so_reuseport", 0),  # or two servers would share the port, each with half of the requests
            ("grpc.max_receive_message_length", options.max_body_bytes),
            ("grpc.max_send_message_length", -1),
        ]
        pool = ThreadPoolExecutor(options.grpc_max_threads or options.threads, "grpc")
        self._server = grpc.server(pool, options=limits + options.grpc_options)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(GrpcPredictions(service), self._server)
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
        """Accept nothing more, answer what has come, and return."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
