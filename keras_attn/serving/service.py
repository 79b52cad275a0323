"""What the API does, whichever way a request came: the same for REST and gRPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    regression_pb2,
)

from keras_attn.serving import examples
from keras_attn.serving.errors import CODES, ServingError, invalid
from keras_attn.serving.manager import Manager
from keras_attn.serving.metrics import Metrics
from keras_attn.serving.servable import DEFAULT_SIGNATURE, Servable

_METHODS = (examples.CLASSIFY, examples.REGRESS, "tensorflow/serving/predict")


class Service:
    """PredictionService and ModelService, over messages and arrays.

    Args:
        manager: the models.
        metrics: what is counted.
        max_rows: most rows of a request; 0 for any number.
    """

    def __init__(self, manager: Manager, metrics: Metrics, *, max_rows: int = 0):
        self.manager, self.metrics, self._max_rows = manager, metrics, max_rows

    def predict(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        output_filter: Iterable[str] = (),
        timeout: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Named arrays -> named arrays; those of `output_filter`, or all."""
        found = servable.signature(signature)
        if found.method_name not in _METHODS:
            raise ServingError(
                "INTERNAL",
                "Expected prediction signature method_name to be one of {tensorflow/serving/predict,"
                f" {examples.CLASSIFY}, {examples.REGRESS}}}. Was: {found.method_name}",
            )
        self._check_inputs(found, inputs)
        chosen = list(output_filter) or sorted(found.outputs)
        for place, name in enumerate(chosen):
            if name not in found.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {name} Outputs expected to be in the set"
                    f" {_braces(found.outputs)}."
                )
            if name in chosen[:place]:
                raise invalid(f"duplicate output tensor alias: {name}")
        for value in inputs.values():
            self._check_rows(len(value) if value.ndim else 1)
        with self.metrics.run(servable.name, "Predict"):
            return servable.run(signature, inputs, chosen, timeout)

    def classify(self, request: Any, timeout: float | None = None) -> Any:
        """A `ClassificationRequest` -> its response."""
        response = classification_pb2.ClassificationResponse()
        with self.manager.lease(_spec(request)) as servable:
            response.result.CopyFrom(self._examples(servable, request, examples.CLASSIFY, timeout))
            fill_spec(response.model_spec, servable, request.model_spec.signature_name)
        return response

    def regress(self, request: Any, timeout: float | None = None) -> Any:
        """A `RegressionRequest` -> its response."""
        response = regression_pb2.RegressionResponse()
        with self.manager.lease(_spec(request)) as servable:
            response.result.CopyFrom(self._examples(servable, request, examples.REGRESS, timeout))
            fill_spec(response.model_spec, servable, request.model_spec.signature_name)
        return response

    def multi_inference(self, request: Any, timeout: float | None = None) -> Any:
        """Several of the two above over the same examples: a `MultiInferenceRequest` -> its response."""
        if not request.tasks:
            raise invalid("Inference request must have at least one task.")
        if len({task.model_spec.name for task in request.tasks}) > 1:
            raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        signatures = [task.model_spec.signature_name for task in request.tasks]
        if len(set(signatures)) < len(signatures):
            raise invalid("Duplicate evaluation of signature: " + max(signatures, key=signatures.count))
        response = inference_pb2.MultiInferenceResponse()
        with self.manager.lease(request.tasks[0].model_spec) as servable:
            for task in request.tasks:
                if task.method_name not in (examples.CLASSIFY, examples.REGRESS):
                    raise ServingError("UNIMPLEMENTED", f"Unsupported signature method_name: {task.method_name}")
                name = task.model_spec.signature_name
                result = self._run_examples(servable, name, request.input, task.method_name, timeout)
                added = response.results.add()
                kind = "classification_result" if task.method_name == examples.CLASSIFY else "regression_result"
                getattr(added, kind).CopyFrom(result)
                fill_spec(added.model_spec, servable, name)
        return response

    def status(self, request: Any) -> Any:
        """A `GetModelStatusRequest` -> its response."""
        response = get_model_status_pb2.GetModelStatusResponse()
        for number, state in self.manager.states(_spec(request)).items():
            added = response.model_version_status.add(version=number)
            added.state = get_model_status_pb2.ModelVersionStatus.State.Value(state.state)
            added.status.error_code = CODES.index(state.error_code)
            added.status.error_message = state.error_message
        return response

    def metadata(self, request: Any) -> Any:
        """A `GetModelMetadataRequest` -> its response."""
        spec = _spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap()
        with self.manager.lease(spec) as servable:
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
            response.model_spec.name, response.model_spec.version.value = servable.name, servable.version
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _examples(self, servable: Servable, request: Any, method: str, timeout: float | None) -> Any:
        return self._run_examples(servable, request.model_spec.signature_name, request.input, method, timeout)

    def _run_examples(self, servable: Servable, signature: str, given: Any, method: str, timeout: Any) -> Any:
        rows = examples.serialized(given)
        self._check_rows(len(rows))
        self.metrics.examples.labels(servable.name).observe(len(rows))
        run = examples.classify if method == examples.CLASSIFY else examples.regress
        with self.metrics.run(servable.name, "Classify" if method == examples.CLASSIFY else "Regress"):
            return run(servable, signature, rows, timeout)

    def _check_inputs(self, signature: Any, inputs: Mapping[str, Any]) -> None:
        sent, wanted = set(inputs), set(signature.inputs)
        if sent != wanted:
            raise invalid(
                f"input size does not match signature: {len(sent)}!={len(wanted)} len({_braces(sent)}) !="
                f" len({_braces(wanted)}). Sent extra: {_braces(sent - wanted)}. Missing but required:"
                f" {_braces(wanted - sent)}."
            )

    def _check_rows(self, rows: int) -> None:
        if self._max_rows and rows > self._max_rows:
            raise invalid(f"The request has {rows} rows, the limit is {self._max_rows} (--max_rows)")


def fill_spec(spec: Any, servable: Servable, signature: str) -> None:
    """Say in a response what answered."""
    spec.name, spec.version.value = servable.name, servable.version
    spec.signature_name = signature or DEFAULT_SIGNATURE


def _spec(request: Any) -> Any:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return request.model_spec


def _braces(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
