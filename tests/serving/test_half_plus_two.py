"""TensorFlow Serving's own example models, asked as its documentation and its tests ask them, over REST and gRPC."""

from __future__ import annotations

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.compat.v1.saved_model.signature_def_utils import MethodNameUpdater
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    regression_pb2,
)

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


class HalfPlus(tf.Module):
    """What saved_model_half_plus_two.py of TensorFlow Serving has: y = x / 2 + b, y2 = x / 2 + 3, y3 = x2 / 2 + 3."""

    def __init__(self, b: float):
        super().__init__()
        self.a, self.b, self.c = tf.Variable(0.5), tf.Variable(b), tf.Variable(3.0)

    def _features(self, inputs):
        x2 = tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0])
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32), "x2": x2})

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="x")])
    def predict(self, x):
        return {"y": self.a * x + self.b}

    def of(self, feature, name, output):
        """A signature over examples."""
        spec = tf.TensorSpec([None], tf.string, name="inputs")
        shift = self.b if name == "y" else self.c
        return tf.function(
            lambda inputs: {output: self.a * self._features(inputs)[feature] + shift}, input_signature=[spec]
        )


def save(folder, b, *, default):
    """One version; its default signature is named or, over examples, by `default`."""
    module = HalfPlus(b)
    over_examples = {
        "classify_x_to_y": (CLASSIFY, module.of("x", "y", "scores")),
        "regress_x_to_y": (REGRESS, module.of("x", "y", "outputs")),
        "regress_x_to_y2": (REGRESS, module.of("x", "y2", "outputs")),
        "regress_x2_to_y3": (REGRESS, module.of("x2", "y3", "outputs")),
        REGRESS: (REGRESS, module.of("x", "y", "outputs")),
    }
    signatures = {name: function for name, (_, function) in over_examples.items()}
    methods = {name: method for name, (method, _) in over_examples.items()}
    signatures["serving_default"] = module.predict if default == "predict" else signatures[default]
    tf.saved_model.save(module, str(folder), signatures=signatures)
    updater = MethodNameUpdater(str(folder))
    for name, method in methods.items():
        updater.replace_method_name(name, method)
    if default != "predict":
        updater.replace_method_name("serving_default", methods[default])
    updater.save()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """half_plus_two (default: predict), half_plus_three (regress), classifier (classify)."""
    folder = tmp_path_factory.mktemp("plus")
    for name, b, default in (
        ("half_plus_two", 2.0, "predict"),
        ("half_plus_three", 3.0, "regress_x_to_y"),
        ("classifier", 2.0, "classify_x_to_y"),
    ):
        (folder / name).mkdir()
        save(folder / name / "123", b, default=default)
    return folder


@pytest.fixture
def client(serve, models, tmp_path):
    """Clients of a server of the three; version 123 of each is labelled stable."""
    config = tmp_path / "models.config"
    listed = "".join(
        f'config {{ name: "{path.name}" base_path: "{path}" model_platform: "tensorflow"'
        ' version_labels { key: "stable" value: 123 } }'
        for path in sorted(models.iterdir())
    )
    config.write_text(f"model_config_list {{ {listed} }}")
    return serve(model_config_file=str(config), allow_version_labels_for_unavailable_models=True)[1]


def examples(text):
    return text_format.Parse(text, input_pb2.Input())


ONE_AND_TWO = examples(
    "example_list { examples { features { feature { key: 'x' value { float_list { value: 1 } } } } }"
    " examples { features { feature { key: 'x' value { float_list { value: 2 } } } } } }"
)


def fails(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()


def test_the_documentations_regression(client):
    request = {"signature_name": REGRESS, "examples": [{"x": 1.0}, {"x": 2.0}]}
    assert client.post("half_plus_three:regress", request) == (200, {"results": [3.5, 4.0]})


@pytest.mark.parametrize(
    ("signature", "example", "result"),
    [
        ("regress_x_to_y", {"x": 1.0}, 2.5),
        ("regress_x_to_y2", {"x": 1.0}, 3.5),
        ("regress_x2_to_y3", {"x": 1.0, "x2": 4.0}, 5.0),
        ("regress_x2_to_y3", {"x": 1.0}, 3.0),  # the feature's default
    ],
)
def test_each_regression_is_its_own(client, signature, example, result):
    request = {"signature_name": signature, "examples": [example]}
    assert client.post("half_plus_two:regress", request) == (200, {"results": [result]})


@pytest.mark.parametrize("which", ["", "/versions/123", "/labels/stable"])
def test_without_a_name_the_default_signature_answers(client, which):
    request = {"examples": [{"x": 1.0}]}
    assert client.post(f"half_plus_three{which}:regress", request) == (200, {"results": [3.5]})
    assert client.post(f"classifier{which}:classify", request) == (200, {"results": [[["", 2.5]]]})
    error = client.error(f"half_plus_two{which}:regress", request)
    assert error == f"Expected regression signature method_name to be {REGRESS}. Was: tensorflow/serving/predict"


def test_numbers_that_json_writes_in_letters(client):
    status, answer = client.post("half_plus_three:regress", b'{"examples": [{"x": NaN}, {"x": -Infinity}, {"x": 1.0}]}')
    assert status == 200
    assert [str(value) for value in answer["results"]] == ["nan", "-inf", "3.5"]


@pytest.mark.parametrize(
    ("kind", "request_type"),
    [("Classify", classification_pb2.ClassificationRequest), ("Regress", regression_pb2.RegressionRequest)],
)
def test_what_classify_and_regress_cannot_find_or_run(client, kind, request_type):
    def ask(**which):
        return fails(
            lambda: getattr(client.predictions, kind)(
                request_type(model_spec=model_pb2.ModelSpec(**which), input=ONE_AND_TWO)
            )
        )

    noun = {"Classify": "classification", "Regress": "regression"}[kind]
    assert ask(name="no") == ("NOT_FOUND", "Servable not found for request: Latest(no)")
    assert ask(name="half_plus_two", version={"value": 1}) == (
        "NOT_FOUND",
        "Servable not found for request: Specific(half_plus_two, 1)",
    )
    assert ask(name="half_plus_two", version_label="x") == (
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: x",
    )
    assert ask(name="half_plus_two", signature_name="no") == (
        "INVALID_ARGUMENT",
        "No signature was found with the name: no",
    )
    assert ask(name="half_plus_two") == (
        "INVALID_ARGUMENT",
        f"Expected {noun} signature method_name to be tensorflow/serving/{kind.lower()}."
        " Was: tensorflow/serving/predict",
    )
    assert fails(lambda: getattr(client.predictions, kind)(request_type(input=ONE_AND_TWO))) == (
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    )


def test_examples_with_a_context(client):
    given = examples(
        "example_list_with_context {"
        " context { features { feature { key: 'x' value { float_list { value: 1 } } } } }"
        " examples { features { feature { key: 'x2' value { float_list { value: 2 } } } } }"
        " examples { } }"
    )
    spec = model_pb2.ModelSpec(name="half_plus_two", signature_name="regress_x2_to_y3")
    response = client.predictions.Regress(regression_pb2.RegressionRequest(model_spec=spec, input=given))
    assert [one.value for one in response.result.regressions] == [4.0, 3.0]
    spec.signature_name = "regress_x_to_y"
    response = client.predictions.Regress(regression_pb2.RegressionRequest(model_spec=spec, input=given))
    assert [one.value for one in response.result.regressions] == [2.5, 2.5]


def test_inference_with_several_signatures_and_what_it_refuses(client):
    def ask(*tasks, given=ONE_AND_TWO):
        request = inference_pb2.MultiInferenceRequest(input=given)
        for name, signature, method in tasks:
            request.tasks.add(model_spec=model_pb2.ModelSpec(name=name, signature_name=signature), method_name=method)
        return client.predictions.MultiInference(request)

    found = ask(("half_plus_two", "regress_x_to_y2", REGRESS), ("half_plus_two", "classify_x_to_y", CLASSIFY))
    first, second = found.results
    assert [one.value for one in first.regression_result.regressions] == [3.5, 4.0]
    assert [row.classes[0].score for row in second.classification_result.classifications] == [2.5, 3.0]
    assert (first.model_spec.signature_name, first.model_spec.version.value) == ("regress_x_to_y2", 123)
    assert fails(ask) == ("INVALID_ARGUMENT", "Inference request must have at least one task.")
    assert fails(lambda: ask(("half_plus_two", "a", REGRESS), ("half_plus_three", "b", REGRESS))) == (
        "INVALID_ARGUMENT",
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    )
    assert fails(lambda: ask(("half_plus_two", "serving_default", "tensorflow/serving/predict"))) == (
        "UNIMPLEMENTED",
        "Unsupported signature method_name: tensorflow/serving/predict",
    )
    assert fails(lambda: ask(("no", "regress_x_to_y", REGRESS))) == (
        "NOT_FOUND",
        "Servable not found for request: Latest(no)",
    )
    assert fails(lambda: ask(("half_plus_two", "classify_x_to_y", REGRESS)))[0] == "INVALID_ARGUMENT"
    empty = input_pb2.Input()
    assert fails(lambda: ask(("half_plus_two", "regress_x_to_y", REGRESS), given=empty)) == (
        "INVALID_ARGUMENT",
        "Input is empty.",
    )


def test_status_and_metadata_of_what_there_is_not(client):
    def status(**which):
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_pb2.ModelSpec(**which))
        return fails(lambda: client.models.GetModelStatus(request))

    def metadata(**which):
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=model_pb2.ModelSpec(**which), metadata_field=["signature_def"]
        )
        return fails(lambda: client.predictions.GetModelMetadata(request))

    assert status(name="no") == ("NOT_FOUND", "Could not find any versions of model no")
    assert status(name="classifier", version={"value": 7}) == (
        "NOT_FOUND",
        "Could not find version 7 of model classifier",
    )
    assert status(name="classifier", version_label="x") == (
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: x",
    )
    assert metadata(name="no") == ("NOT_FOUND", "Servable not found for request: Latest(no)")
    assert metadata(name="classifier", version={"value": 7}) == (
        "NOT_FOUND",
        "Servable not found for request: Specific(classifier, 7)",
    )
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    assert fails(lambda: client.predictions.GetModelMetadata(request)) == ("INVALID_ARGUMENT", "Missing ModelSpec")
