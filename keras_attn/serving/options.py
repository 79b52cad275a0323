"""The flags of the server, under the names that TensorFlow Serving gives them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from keras_attn.errors import UserError, expect

_TRUE = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclasses.dataclass(frozen=True)
class Options:
    """Serve SavedModels by the TensorFlow Serving API: REST and gRPC, for development and small loads.

    DIR holds versions of a model (DIR/1, DIR/2 ...), or several models. The flags are TensorFlow Serving's, so that a
    script written for one starts the other; `host`, `max_body_bytes`, `max_rows` and `drain_seconds` are this
    server's own, and REST is on unless `rest_api_port` is 0.

    keras-attn serve saved_models/dates
    keras-attn serve saved_models/dates --enable_batching --rest_api_port=8501
    keras-attn serve --model_config_file=models.config --model_config_file_poll_wait_seconds=60

    Attributes:
        folder: versions of a model, or a folder of such folders; also the first argument.
        host: address to listen on; 0.0.0.0 lets other machines in.
        port: port of gRPC; 0 for none.
        grpc_socket_path: also listen for gRPC on this UNIX socket.
        grpc_channel_arguments: arguments of the gRPC server, key=value,key=value.
        grpc_max_threads: gRPC requests worked on at a time; 0 chooses.
        rest_api_port: port of REST; 0 for none.
        rest_api_num_threads: REST requests worked on at a time; 0 chooses.
        rest_api_timeout_in_ms: time a REST request may take.
        rest_api_enable_cors_support: let pages of other origins use REST.
        model_name: name of the model; "default" for that of model_base_path, the name of the folder for that of DIR.
        model_base_path: folder with the versions of one model.
        model_config_file: file with a ModelServerConfig: several models, version policies, labels.
        model_config_file_poll_wait_seconds: how often to read that file again; 0 for once.
        file_system_poll_wait_seconds: how often to look for versions; 0 for once.
        allow_version_labels_for_unavailable_models: accept labels of versions that are not loaded yet.
        enable_batching: run requests that arrive together together.
        batching_parameters_file: file with BatchingParameters.
        enable_per_model_batching_parameters: read them from batching_params.pbtxt in the version's folder.
        monitoring_config_file: file with a MonitoringConfig: whether and where Prometheus reads.
        enable_model_warmup: answer a model's warm-up requests before it is available.
        saved_model_tags: tags of the graph to load, comma-separated.
        tensorflow_session_parallelism: threads of a session, both kinds; 0 chooses.
        tensorflow_intra_op_parallelism: threads inside of an operation; 0 chooses.
        tensorflow_inter_op_parallelism: operations at a time; 0 chooses.
        max_body_bytes: largest request.
        max_rows: most rows of a request; 0 for any number.
        drain_seconds: how long requests that are running may take when the server is told to stop.
    """

    folder: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8500
    grpc_socket_path: str = ""
    grpc_channel_arguments: str = ""
    grpc_max_threads: int = 0
    rest_api_port: int = 8501
    rest_api_num_threads: int = 0
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    model_name: str = ""
    model_base_path: str = ""
    model_config_file: str = ""
    model_config_file_poll_wait_seconds: float = 0
    file_system_poll_wait_seconds: float = 1
    allow_version_labels_for_unavailable_models: bool = False
    enable_batching: bool = False
    batching_parameters_file: str = ""
    enable_per_model_batching_parameters: bool = False
    monitoring_config_file: str = ""
    enable_model_warmup: bool = True
    saved_model_tags: str = "serve"
    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    max_body_bytes: int = 64 * 2**20
    max_rows: int = 0
    drain_seconds: float = 30

    def __post_init__(self) -> None:
        for name in ("port", "rest_api_port"):
            expect(0 <= getattr(self, name) < 65536, f"--{name}", "a port, or 0 for none", getattr(self, name))
        if self.port and self.port == self.rest_api_port:
            raise UserError(f"--rest_api_port: cannot be same as --port, got {self.port} for both")
        if not (self.port or self.rest_api_port or self.grpc_socket_path):
            raise UserError("--port: expected one of --port, --rest_api_port and --grpc_socket_path to listen on")
        for name in ("max_body_bytes", "rest_api_timeout_in_ms"):
            expect(getattr(self, name) > 0, f"--{name}", "more than 0", getattr(self, name))
        if not (self.folder or self.model_base_path or self.model_config_file):
            raise UserError("DIR: expected a folder of versions, or --model_base_path, or --model_config_file")
        if self.batching_parameters_file and not self.enable_batching:
            raise UserError("--batching_parameters_file: supplied without --enable_batching")

    @property
    def threads(self) -> int:
        """Requests worked on at a time: while batches form, most of them only wait."""
        return 128 if self.enable_batching else 4 * (os.cpu_count() or 1)

    @property
    def grpc_options(self) -> list[tuple[str, int | str]]:
        """Arguments of the gRPC server; what is a whole number is passed as one."""
        pairs = [pair.partition("=") for pair in self.grpc_channel_arguments.split(",") if pair]
        for key, equals, _ in pairs:
            expect(bool(key and equals), "--grpc_channel_arguments", "key=value,key=value", self.grpc_channel_arguments)
        return [(key, int(value) if value.lstrip("-").isdigit() else value) for key, _, value in pairs]


def as_flags(arguments: Sequence[str]) -> list[str]:
    """Arguments as TensorFlow Serving takes them, as options of a dataclass.

    >>> as_flags(["saved_models/dates", "--enable_batching=true", "--enable_model_warmup=false", "--port=0"])
    ['--folder', 'saved_models/dates', '--enable-batching', '--no-enable-model-warmup', '--port=0']
    """
    switches = {field.name for field in dataclasses.fields(Options) if field.type == "bool"}
    flags: list[str] = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        key = name.removeprefix("--").replace("-", "_")
        if place == 0 and not argument.startswith("-"):
            flags += ["--folder", argument]
        elif key in switches and name.startswith("--") and equals and value.lower() in _TRUE:
            flags.append(f"--{'' if _TRUE[value.lower()] else 'no-'}{key.replace('_', '-')}")
        else:
            flags.append(argument)
    return flags
