"""Configuration files in protobuf's text format, as TensorFlow Serving reads them.

The package of stubs has the messages of the API only; the two that only ever stand in files are declared here, with
the names and numbers of session_bundle_config.proto and monitoring_config.proto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from keras_attn.errors import UserError

_INT64, _BOOL, _STRING = 3, 8, 9  # numbers of types in descriptor.proto
_MESSAGES: dict[str, dict[str, Any]] = {
    "BatchingParameters": {
        "max_batch_size": (1, "Int64Value"),
        "batch_timeout_micros": (2, "Int64Value"),
        "max_enqueued_batches": (3, "Int64Value"),
        "num_batch_threads": (4, "Int64Value"),
        "thread_pool_name": (5, "StringValue"),
        "allowed_batch_sizes": (6, [_INT64]),
        "pad_variable_length_inputs": (7, _BOOL),
    },
    "PrometheusConfig": {"enable": (1, _BOOL), "path": (2, _STRING)},
    "MonitoringConfig": {"prometheus_config": (1, ".keras_attn.serving.PrometheusConfig")},
}


def _declare() -> Any:
    """A pool that knows the messages above."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="keras_attn/serving.proto",
        package="keras_attn.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number, label=3 if isinstance(kind, list) else 1)
            if isinstance(kind, str):
                added.type_name = kind if kind.startswith(".") else f".google.protobuf.{kind}"
                added.type = 11
            else:
                added.type = kind[0] if isinstance(kind, list) else kind
    pool.Add(file)
    return pool


_POOL = _declare()


def message(name: str) -> Any:
    """An empty message of one of the declared types.

    >>> message("PrometheusConfig").enable
    False
    """
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"keras_attn.serving.{name}"))()


def read(path: Path, into: Any) -> Any:
    """Fill a message from a file, and return it.

    Raises:
        UserError: there is no such file, or it says what the message does not have.
    """
    try:
        return text_format.Parse(path.read_text("utf-8"), into)
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        kind = into.DESCRIPTOR.name
        raise UserError(f"{path}: expected a {kind} in protobuf's text format ({error})") from error
