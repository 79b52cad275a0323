"""The whole server: start it, wait, stop it without losing a request."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import tensorflow as tf
from starlette.responses import Response

from keras_attn.errors import UserError
from keras_attn.serving import text_protos
from keras_attn.serving.errors import ServingError
from keras_attn.serving.grpc_server import GrpcServer
from keras_attn.serving.loading import Loader
from keras_attn.serving.manager import Manager
from keras_attn.serving.metrics import Metrics
from keras_attn.serving.model_config import models_in, one_model, read_config
from keras_attn.serving.options import Options
from keras_attn.serving.page import page
from keras_attn.serving.rest import Rest
from keras_attn.serving.rest_app import RestApp
from keras_attn.serving.rest_server import RestServer
from keras_attn.serving.service import Service

logger = logging.getLogger(__name__)
METRICS_PATH = "/monitoring/prometheus/metrics"


class Server:
    """Models, REST and gRPC together.

    >>> from keras_attn.serving import Options, Server
    >>> with Server(Options(folder="saved_models/dates")) as server:  # doctest: +SKIP
    ...     input("curl localhost:8501/v1/models/dates, then return")

    Args:
        options: what to serve, where, and how.

    Raises:
        UserError: an option or a file makes no sense, or a port is taken.
    """

    def __init__(self, options: Options):
        self._options, self._stopping = options, threading.Event()
        self.metrics = Metrics(lambda name: self.manager.knows(name))
        labels_ahead = options.allow_version_labels_for_unavailable_models
        self.manager = Manager(Loader(options, self.metrics), labels_ahead=labels_ahead)
        service = Service(self.manager, self.metrics, max_rows=options.max_rows)
        self._pool = ThreadPoolExecutor(options.rest_api_num_threads or options.threads, "rest")
        self._listeners: list[Any] = []
        self._threads: list[threading.Thread] = []
        if options.port or options.grpc_socket_path:
            self._listeners.append(GrpcServer(service, options))
        if options.rest_api_port:
            self._listeners.append(self._rest(service))

    def start(self) -> None:
        """Load the models, then listen.

        Raises:
            UserError: a model cannot be loaded, or the configuration makes no sense.
        """
        options = self._options
        try:
            self.manager.configure(self._config())
        except ServingError as error:
            raise UserError(f"models: cannot be served: {error.message}") from error
        for listener in self._listeners:
            listener.start()
        self._every(options.file_system_poll_wait_seconds, self.manager.poll, "versions")
        if options.rest_api_port:
            logger.info("REST: http://%s:%d/v1/models/NAME:predict", options.host, options.rest_api_port)
            logger.info("Page: http://%s:%d/", options.host, options.rest_api_port)
        if options.port:
            logger.info("gRPC: %s:%d", options.host, options.port)
        if options.model_config_file:
            self._every(options.model_config_file_poll_wait_seconds, self._reload, "configuration")

    def stop(self) -> None:
        """Answer what has come, then unload everything."""
        self._stopping.set()
        stops = [threading.Thread(target=one.stop, args=(self._options.drain_seconds,)) for one in self._listeners]
        for thread in stops:
            thread.start()
        for thread in stops + self._threads:
            thread.join()
        self.manager.close()  # ends what is still running: its time is over
        self._pool.shutdown()

    def run(self) -> None:
        """Start, wait for SIGINT or SIGTERM, stop."""
        told = threading.Event()
        tf.get_logger().setLevel("ERROR")  # its advice about loading is for another way to run a model
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: told.set())
        with self:
            while not told.wait(0.5):  # a signal that another thread was given wakes nobody who waits longer
                pass

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _config(self) -> Any:
        options = self._options
        if options.model_config_file:
            return read_config(Path(options.model_config_file))
        if options.model_base_path:
            return one_model(options.model_name or "default", Path(options.model_base_path))
        return models_in(Path(options.folder or ""), options.model_name)

    def _reload(self) -> None:
        """Read the configuration file again; one that is broken changes nothing."""
        try:
            self.manager.configure(self._config())
        except (UserError, ServingError) as error:
            logger.error("%s: %s", self._options.model_config_file, error)

    def _every(self, seconds: float, act: Callable[[], None], name: str) -> None:
        if seconds <= 0:
            return

        def loop() -> None:
            while not self._stopping.wait(seconds):
                try:
                    act()
                except Exception:  # a failed look must not end all later ones
                    logger.exception("polling %s", name)

        self._threads.append(threading.Thread(target=loop, name=name, daemon=True))
        self._threads[-1].start()

    def _rest(self, service: Service) -> RestServer:
        options, timeout = self._options, self._options.rest_api_timeout_in_ms / 1000
        app = RestApp(
            Rest(service, timeout),
            self._pool,
            max_body_bytes=options.max_body_bytes,
            timeout=timeout,
            ready=lambda: self.manager.ready,
            pages={
                **dict.fromkeys(self._metrics_paths(), lambda: Response(self.metrics.page(), media_type="text/plain")),
                "/": lambda: page(self.manager.names),
            },
            cors=options.rest_api_enable_cors_support,
        )
        return RestServer(app, options.host, options.rest_api_port)

    def _metrics_paths(self) -> list[str]:
        """Where Prometheus reads: the usual path, unless a file says otherwise."""
        if not self._options.monitoring_config_file:
            return [METRICS_PATH]
        path = Path(self._options.monitoring_config_file)
        config = text_protos.read(path, text_protos.message("MonitoringConfig")).prometheus_config
        return [config.path or METRICS_PATH] if config.enable else []
