"""What is counted, under the names that TensorFlow Serving's dashboards ask for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram

from keras_attn.serving.errors import as_serving_error

_MICROSECONDS = [10 * 1.8**power for power in range(33)]  # up to 20 minutes
_EXAMPLES = [2.0**power for power in range(15)]


class Metrics:
    """Counters and distributions of one server.

    Args:
        known: whether a model of this name is configured: clients may ask for any, and each name is kept.
    """

    def __init__(self, known: Callable[[str], bool] = lambda name: True):
        self._known = known
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            ":tensorflow:serving:request_count", "Requests.", ["model_name", "status"], registry=registry
        )
        self.latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Wall time of a request, in microseconds.",
            ["model_name", "API", "entrypoint"],
            buckets=_MICROSECONDS,
            registry=registry,
        )
        self.runtime = Histogram(
            ":tensorflow:serving:runtime_latency",
            "Wall time of the TensorFlow runtime, in microseconds.",
            ["model_name", "API", "runtime"],
            buckets=_MICROSECONDS,
            registry=registry,
        )
        self.examples = Histogram(
            ":tensorflow:serving:request_example_counts",
            "Examples in a request.",
            ["model"],
            buckets=_EXAMPLES,
            registry=registry,
        )
        self.warmup = Histogram(
            ":tensorflow:serving:model_warmup_latency",
            "Wall time of warming a model up, in microseconds.",
            ["model_path", "status"],
            buckets=_MICROSECONDS,
            registry=registry,
        )
        self.loads = Counter(
            ":tensorflow:cc:saved_model:load_attempt_count",
            "Attempts to load a model.",
            ["model_path", "status"],
            registry=registry,
        )

    @contextmanager
    def request(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Count a request, and time it if it succeeds."""
        start = time.perf_counter()
        status = "OK"
        try:
            yield
        except Exception as error:
            status = as_serving_error(error).code
            raise
        finally:
            if self._known(model):
                self.requests.labels(model, status).inc()
                if status == "OK":
                    self.latency.labels(model, api, entrypoint).observe(1e6 * (time.perf_counter() - start))

    @contextmanager
    def run(self, model: str, api: str) -> Iterator[None]:
        """Time what TensorFlow does of a request."""
        start = time.perf_counter()
        yield
        self.runtime.labels(model, api, "TF1").observe(1e6 * (time.perf_counter() - start))

    def page(self) -> bytes:
        """The page that Prometheus reads."""
        page = prometheus_client.generate_latest(self._registry)
        for name in (b":request_count", b":load_attempt_count"):  # the client library adds _total, TensorFlow doesn't
            page = page.replace(name + b"_total", name)
        return page


prometheus_client.disable_created_metrics()
