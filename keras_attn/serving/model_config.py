"""The configuration of what is served: a `ModelServerConfig`, from flags, a file, a folder or a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorflow_serving.config import model_server_config_pb2

from keras_attn.errors import UserError
from keras_attn.serving import text_protos
from keras_attn.serving.errors import ServingError, invalid
from keras_attn.serving.version_policy import versions_on_disk


def read_config(path: Path) -> Any:
    """Read what --model_config_file names.

    Raises:
        UserError: it cannot be read, or is not a `ModelServerConfig`.
    """
    return text_protos.read(path, model_server_config_pb2.ModelServerConfig())


def one_model(name: str, base_path: Path) -> Any:
    """The configuration of one model, its latest version served."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=str(base_path), model_platform="tensorflow")
    return config


def models_in(folder: Path, name: str = "") -> Any:
    """The configuration of a folder: a model if its folders are numbers, else each of its folders that is one.

    Args:
        folder: where to look.
        name: of a model that the folder is; the folder's own if none is given.

    Raises:
        UserError: there is no model.
    """
    if (folder / "saved_model.pb").is_file():
        raise UserError(f"folder: {folder} is one version of a model; serve the folder that it is in, {folder.parent}")
    try:
        if versions_on_disk(folder):
            return one_model(name or folder.resolve().name, folder)
        found = [path for path in sorted(folder.iterdir()) if path.is_dir() and versions_on_disk(path)]
    except OSError as error:
        raise UserError(f"folder: {folder} cannot be read ({error.strerror})") from error
    if not found:
        raise UserError(f"folder: expected versions such as {folder}/1 with a saved_model.pb each, found none")
    config = model_server_config_pb2.ModelServerConfig()
    for path in found:
        config.model_config_list.MergeFrom(one_model(path.name, path).model_config_list)
    return config


def models_of(config: Any) -> dict[str, Any]:
    """The `ModelConfig` of each model's name.

    Raises:
        ServingError: it is not a list of models, or one of them makes no sense.
    """
    kind = config.WhichOneof("config")
    if kind == "custom_model_config":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest."
            " Only ModelConfigList is currently supported"
        )
    models: dict[str, Any] = {}
    for model in config.model_config_list.config:
        if model.name in models:
            raise invalid(f"Illegal to list model {model.name} multiple times in config list")
        if not model.name or not model.base_path:
            raise invalid("Expected model to have a name and a base_path; got " + str(model).strip())
        if not model.model_platform and not model.model_type:
            raise invalid(
                "Illegal setting neither ModelServerConfig::model_type (deprecated) nor"
                " ModelServerConfig::model_platform."
            )
        if model.model_platform not in ("", "tensorflow"):
            raise ServingError("INVALID_ARGUMENT", f"model platform {model.model_platform} is not supported")
        if not Path(model.base_path).is_dir():
            raise invalid(f"Could not find base path {model.base_path} for servable {model.name}")
        models[model.name] = model
    return models
