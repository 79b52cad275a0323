"""REST: which request is which, and what its reply looks like."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    regression_pb2,
)

from keras_attn.serving import examples_json, json_text, predict_json
from keras_attn.serving.errors import as_serving_error, invalid
from keras_attn.serving.service import Service

_WHICH = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<method>classify|regress|predict)", re.I)
_STATUS = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<metadata>metadata))?", re.I)


class Rest:
    """Answer requests of the REST API.

    Args:
        service: what does the work.
        timeout: seconds that a request may take.
    """

    def __init__(self, service: Service, timeout: float):
        self._service, self._timeout = service, timeout

    def answer(self, method: str, path: str, body: bytes, began: float) -> tuple[int, bytes]:
        """Answer one request; whatever is wrong with it is part of the answer.

        Args:
            method: GET, POST ...
            path: of the URL, as it came, nothing in it decoded.
            body: what came with it.
            began: when it came, in seconds of `time.monotonic`.

        Returns:
            the HTTP status, and JSON.
        """
        try:
            return 200, self._dispatch(method, path, body, began)
        except Exception as error:
            known = as_serving_error(error)
            return known.http, error_body(known.message)

    def _dispatch(self, method: str, path: str, body: bytes, began: float) -> bytes:
        pattern = {"POST": _PREDICTION, "GET": _STATUS}.get(method)
        found = pattern.fullmatch(path) if pattern else None
        if found is None:
            raise invalid(f"Malformed request: {method} {path}")
        spec = _spec(found.groupdict())
        if method == "GET":
            if not spec.name:
                raise invalid("Missing model name in request.")
            return self._metadata(spec) if found["metadata"] else self._status(spec)
        api = found["method"].lower()
        with self._service.metrics.request(spec.name, api, "REST"):
            return getattr(self, f"_{api}")(spec, body, began + self._timeout)

    def _predict(self, spec: Any, body: bytes, deadline: float) -> bytes:
        document = json_text.parse(body)
        name = predict_json.signature_name(document)
        with self._service.manager.lease(spec) as servable:
            signature = servable.signatures.get(name or "serving_default")
            if signature is None:
                raise invalid(f'Serving signature name: "{name or "serving_default"}" not found in signature def')
            if not signature.inputs:
                raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
            inputs, rows = predict_json.read(document, signature.inputs)
            outputs = self._service.predict(servable, name, inputs, (), deadline - time.monotonic())
        return predict_json.write(outputs, rows)

    def _classify(self, spec: Any, body: bytes, deadline: float) -> bytes:
        request = classification_pb2.ClassificationRequest(**_examples(spec, body))
        response = self._service.classify(request, deadline - time.monotonic())
        return examples_json.write_classification(response.result)

    def _regress(self, spec: Any, body: bytes, deadline: float) -> bytes:
        request = regression_pb2.RegressionRequest(**_examples(spec, body))
        response = self._service.regress(request, deadline - time.monotonic())
        return examples_json.write_regression(response.result)

    def _status(self, spec: Any) -> bytes:
        response = self._service.status(get_model_status_pb2.GetModelStatusRequest(model_spec=spec))
        return _as_json(response).encode()

    def _metadata(self, spec: Any) -> bytes:
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = self._service.metadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return (
            f'{{\n"model_spec":{_as_json(response.model_spec)},\n'
            f'"metadata": {{"signature_def": {_as_json(signatures)}}}\n}}\n'
        ).encode()


def error_body(message: str) -> bytes:
    """What a client reads when a request fails."""
    return json.dumps({"error": message}, indent=4, ensure_ascii=False).encode("utf-8", "replace")


def _examples(spec: Any, body: bytes) -> dict[str, Any]:
    document = json_text.parse(body)
    spec.signature_name = predict_json.signature_name(document)
    return {"model_spec": spec, "input": examples_json.read(document)}


def _spec(groups: dict[str, str | None]) -> Any:
    spec = model_pb2.ModelSpec(name=_decoded(groups["name"] or "", "model name"))
    version, label = groups["version"], groups["label"]
    if version is not None:
        if len(version) > 19 or int(version) >= 2**63:
            raise invalid(f"Failed to convert version: {version} to numeric.")
        spec.version.value = int(version)
    if label is not None:
        spec.version_label = _decoded(label, "model version label")
    return spec


def _decoded(text: str, what: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise invalid(f"Failed to decode {what}:{text}") from None


def _as_json(message: Any) -> str:
    return json_format.MessageToJson(
        message, indent=1, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
