"""Classify and Regress: examples in, labels with scores or a number for each out."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow_serving.apis import classification_pb2, regression_pb2

from keras_attn.serving.errors import ServingError, invalid
from keras_attn.serving.servable import DEFAULT_SIGNATURE, Servable

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
_NOUN = {CLASSIFY: "classification", REGRESS: "regression"}


def serialized(given: Any) -> np.ndarray:
    """An `Input`'s examples as a model takes them: bytes (examples), the context before each.

    Raises:
        ServingError: there are none.
    """
    kind = given.WhichOneof("kind")
    examples = getattr(given, kind).examples if kind else []
    if not examples:
        raise invalid("Input is empty.")
    # Two messages one after the other are the two merged.
    context = given.example_list_with_context.context.SerializeToString() if kind != "example_list" else b""
    return np.array([context + example.SerializeToString() for example in examples], object)


def classify(servable: Servable, signature: str, examples: np.ndarray, timeout: float | None) -> Any:
    """Examples -> a `ClassificationResult`.

    Raises:
        ServingError: the signature is no classification, or gives something else.
    """
    found = _signature(servable, signature, CLASSIFY)
    if not 1 <= len(found.outputs) <= 2:
        raise invalid(f"Expected one or two output Tensors, found {len(found.outputs)}")
    names = [name for name in ("classes", "scores") if name in found.outputs]
    if not names:
        raise ServingError(
            "FAILED_PRECONDITION",
            'Expected classification signature outputs to contain at least one of "classes" or "scores". Signature'
            f" was: {found}",
        )
    outputs = servable.run(signature, {"inputs": examples}, names, timeout)
    for name, kind in (("classes", object), ("scores", np.float32)):
        if name in outputs:
            _check_batch(name, outputs[name], kind, len(examples))
    if len(names) == 2 and outputs["classes"].shape != outputs["scores"].shape:
        raise invalid(
            "Tensors class and score should match in dim_size(1). Got"
            f" {outputs['classes'].shape[1]} vs. {outputs['scores'].shape[1]}"
        )
    result = classification_pb2.ClassificationResult()
    for row in range(len(examples)):
        classes = result.classifications.add().classes
        for column in range(outputs[names[0]].shape[1]):
            one = classes.add()
            if "classes" in outputs:
                one.label = outputs["classes"][row, column].decode("utf-8", "replace")
            if "scores" in outputs:
                one.score = outputs["scores"][row, column]
    return result


def regress(servable: Servable, signature: str, examples: np.ndarray, timeout: float | None) -> Any:
    """Examples -> a `RegressionResult`.

    Raises:
        ServingError: the signature is no regression, or gives something else.
    """
    found = _signature(servable, signature, REGRESS)
    if len(found.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "outputs" not in found.outputs:
        raise ServingError("FAILED_PRECONDITION", f"No regression outputs found in SignatureDef: {found}")
    values = servable.run(signature, {"inputs": examples}, ["outputs"], timeout)["outputs"]
    if not (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):
        shape = ",".join(map(str, values.shape))
        raise invalid(f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [{shape}]")
    if len(values) != len(examples):
        raise invalid(f"Input batch size did not match output batch size: {len(examples)} vs. {len(values)}")
    if values.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {values.dtype}")
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1):
        result.regressions.add(value=value)
    return result


def _signature(servable: Servable, name: str, method: str) -> Any:
    found = servable.signatures.get(name or DEFAULT_SIGNATURE)
    if found is None:
        raise invalid(f"No signature was found with the name: {name or DEFAULT_SIGNATURE}")
    if found.method_name != method:
        noun = _NOUN[method]
        raise invalid(f"Expected {noun} signature method_name to be {method}. Was: {found.method_name}")
    if len(found.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if "inputs" not in found.inputs:
        raise ServingError("FAILED_PRECONDITION", f"No {_NOUN[method]} inputs found in SignatureDef: {found}")
    return found


def _check_batch(name: str, value: np.ndarray, kind: Any, rows: int) -> None:
    if value.ndim != 2:
        shape = ",".join(map(str, value.shape))
        raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got [{shape}]")
    if value.dtype != kind:
        wanted = "DT_STRING" if kind is object else "DT_FLOAT"
        raise invalid(f"Expected {name} Tensor of {wanted}. Got: {value.dtype}")
    if len(value) != rows:
        raise invalid(f"Expected {name} output batch size of {rows}. Got: {len(value)}")
