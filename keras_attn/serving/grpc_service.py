"""PredictionService, ModelService and health over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from keras_attn.serving.errors import as_serving_error, invalid
from keras_attn.serving.service import Service, fill_spec
from keras_attn.serving.tensor_protos import fill, to_arrays

_CENTURY = 3e9
_STATUS = {code.value[0]: code for code in grpc.StatusCode}


class GrpcPredictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata.

    Args:
        service: what does the work.
        max_bytes: largest array of a request, however small the message that it came in.
    """

    def __init__(self, service: Service, max_bytes: int):
        self._service, self._max_bytes = service, max_bytes

    def Predict(self, request: Any, context: Any) -> Message:
        def run() -> Message:
            if not request.HasField("model_spec"):
                raise invalid("Missing ModelSpec")
            response, name = predict_pb2.PredictResponse(), request.model_spec.signature_name
            inputs = to_arrays(request.inputs, self._max_bytes)
            with self._service.manager.lease(request.model_spec) as servable:
                left = _left(context)
                fill(response.outputs, self._service.predict(servable, name, inputs, request.output_filter, left))
                fill_spec(response.model_spec, servable, name)
            return response

        return self._counted("Predict", request.model_spec.name, context, run)

    def Classify(self, request: Any, context: Any) -> Message:
        return self._counted(
            "Classify",
            request.model_spec.name,
            context,
            lambda: self._service.classify(request, _left(context)),
        )

    def Regress(self, request: Any, context: Any) -> Message:
        return self._counted(
            "Regress",
            request.model_spec.name,
            context,
            lambda: self._service.regress(request, _left(context)),
        )

    def MultiInference(self, request: Any, context: Any) -> Message:
        name = request.tasks[0].model_spec.name if request.tasks else ""
        return self._counted(
            "MultiInference", name, context, lambda: self._service.multi_inference(request, _left(context))
        )

    def GetModelMetadata(self, request: Any, context: Any) -> Message:
        return _answered(context, lambda: self._service.metadata(request))

    def _counted(self, api: str, model: str, context: Any, run: Callable[[], Message]) -> Message:
        def counted() -> Message:
            with self._service.metrics.request(model, api, "GRPC"):
                return run()

        return _answered(context, counted)


class GrpcModels(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, service: Service):
        self._service = service

    def GetModelStatus(self, request: Any, context: Any) -> Message:
        return _answered(context, lambda: self._service.status(request))

    def HandleReloadConfigRequest(self, request: Any, context: Any) -> Message:
        def run() -> Message:
            if request.config.WhichOneof("config") is None:
                raise invalid(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest."
                    " Only ModelConfigList is currently supported"
                )
            self._service.manager.configure(request.config)
            return model_management_pb2.ReloadConfigResponse()

        return _answered(context, run)


def _left(context: Any) -> float | None:
    """Seconds until the client's deadline; None if it has set none, which gRPC says in centuries."""
    left = context.time_remaining()
    return left if left is not None and left < _CENTURY else None


def _answered(context: Any, run: Callable[[], Message]) -> Message:
    try:
        return run()
    except Exception as error:
        known = as_serving_error(error)
        code, message = known.number, known.message
    return context.abort(_STATUS[code], message)
