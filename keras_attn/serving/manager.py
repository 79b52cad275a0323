"""The models that are served: their versions come and go with the folders on disk."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_attn.serving.errors import ServingError, as_serving_error, invalid
from keras_attn.serving.model_config import models_of
from keras_attn.serving.model_state import Model, VersionState
from keras_attn.serving.servable import Servable
from keras_attn.serving.version_policy import fingerprint, versions_on_disk, wanted

logger = logging.getLogger(__name__)


class Manager:
    """Load what the policies want and is on disk; unload the rest once something else answers.

    A version that is not wanted any more stays until a wanted one is available, so a model that answers goes on
    answering: a new version that cannot be loaded changes nothing. What a request runs in is closed after it.

    Args:
        load: name, version, folder -> a loaded version, warmed up.
        labels_ahead: whether a label may be given to a version that is not available, if no other has it.
    """

    def __init__(self, load: Callable[[str, int, Path], Servable], *, labels_ahead: bool = False):
        self._load, self._labels_ahead = load, labels_ahead
        self._models: dict[str, Model] = {}
        self._lock = threading.RLock()  # of what is above: held for moments
        self._changing = threading.Lock()  # one change at a time: held while versions load
        self._unsettled = False  # whether there are graphs that the garbage collector has not been told of

    def configure(self, config: Any) -> None:
        """Serve what a `ModelServerConfig` lists, and nothing else; returns when new models are available.

        One without a list, as a file that is just being written gives, changes nothing.

        Raises:
            ServingError: the configuration makes no sense, and nothing has changed, or a new model has no version
                that can be loaded, and is tried again with each poll.
        """
        if config.WhichOneof("config") is None:
            logger.info("Taking no action for empty config.")
            return
        with self._changing:
            models = models_of(config)
            self._check_labels(models)
            with self._lock:
                new = models.keys() - self._models.keys()
                gone = [self._models.pop(name) for name in self._models.keys() - models.keys()]
                for name, model in models.items():
                    self._models.setdefault(name, Model(model)).config = model
            for old in gone:
                for number in old.available:
                    self._unload(old, number)
            self._poll()
            self._settle()
            failed = [self._why_not(name) for name in sorted(new) if not self._models[name].available]
        if failed:
            raise ServingError(
                "UNKNOWN", f"{len(failed)} servable(s) did not become available: {{{', '.join(failed)}}}"
            )

    def poll(self) -> None:
        """Look at the disk, load what is new, unload what is not wanted."""
        with self._changing:
            self._poll()
            self._settle()

    @contextmanager
    def lease(self, spec: Any) -> Iterator[Servable]:
        """The version that a `ModelSpec` asks for, kept until the end of the block.

        Raises:
            ServingError: there is none.
        """
        with self._lock:
            version = self._version(spec)
            model = self._models.get(spec.name)
            available = model.available if model else {}
            number = max(available, default=None) if version is None else version
            if number not in available:
                asked = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
                raise ServingError("NOT_FOUND", f"Servable not found for request: {asked}")
            servable = available[number].__enter__()
        try:
            yield servable
        finally:
            servable.__exit__()

    def states(self, spec: Any) -> dict[int, VersionState]:
        """What has become of the versions of a model, or of the one that is asked for; the newest first.

        Raises:
            ServingError: there is none.
        """
        with self._lock:
            version = self._version(spec)
            versions = self._models[spec.name].versions if spec.name in self._models else {}
            if version is not None and version not in versions:
                raise ServingError("NOT_FOUND", f"Could not find version {version} of model {spec.name}")
            if not versions:
                raise ServingError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
            return {
                number: versions[number]
                for number in sorted(versions, reverse=True)
                if version is None or number == version
            }

    def knows(self, name: str) -> bool:
        """Whether a model of this name is configured."""
        return name in self._models

    @property
    def names(self) -> list[str]:
        """The models that are configured."""
        with self._lock:
            return sorted(self._models)

    @property
    def ready(self) -> bool:
        """Whether each model has a version that answers."""
        with self._lock:
            return all(model.available for model in self._models.values())

    def close(self) -> None:
        """Unload everything, whatever is running in it."""
        with self._changing:
            for model in list(self._models.values()):
                for number, servable in model.available.items():
                    self._unload(model, number)
                    servable.close()
        self._settle()

    def _settle(self) -> None:
        """Untie the graphs that are gone, and leave those that stay out of all later rounds of the garbage collector.

        A graph is a knot of hundreds of thousands of references. Every few seconds all requests would wait a quarter
        of a second while Python looks whether it is garbage.
        """
        if self._unsettled:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._unsettled = False

    def _poll(self) -> None:
        for name, model in list(self._models.items()):
            try:
                paths = versions_on_disk(Path(model.config.base_path))
            except OSError as error:  # a disk that is away for a while takes nothing down
                logger.warning("%s: %s cannot be read: %s", name, model.config.base_path, error)
                continue
            numbers = wanted(model.config.model_version_policy, paths)
            if not numbers:
                logger.warning(
                    "No versions of servable %s found under base path %s. Did you forget to name your leaf directory"
                    " as a number (eg. '/1/')?",
                    name,
                    model.config.base_path,
                )
            for number in sorted(numbers, reverse=True):
                with self._lock:
                    state = model.versions.setdefault(number, VersionState())
                if state.worth_loading(paths[number]):
                    self._try(name, number, paths[number], state)
            available = model.available
            if not numbers or available.keys() & numbers:
                for number in available.keys() - numbers:
                    self._unload(model, number)

    def _try(self, name: str, number: int, path: Path, state: VersionState) -> None:
        state.state, files = "LOADING", fingerprint(path)
        try:
            servable = self._load(name, number, path)
        except Exception as error:
            with self._lock:
                state.error_code, state.error_message = _why(error)
                state.state, state.files = "END", files
            logger.error("Loading servable: {name: %s version: %d} failed: %s", name, number, state.error_message)
            return
        with self._lock:
            state.servable, state.state, state.files = servable, "AVAILABLE", None
            state.error_code, state.error_message = "OK", ""
        self._unsettled = True
        logger.info("Successfully loaded servable version {name: %s version: %d}", name, number)

    def _unload(self, model: Model, number: int) -> None:
        state = model.versions[number]
        with self._lock:
            servable, state.servable, state.state = state.servable, None, "END"
        if servable is not None:
            servable.retire()
            self._unsettled = True
        logger.info("Unloaded servable version {name: %s version: %d}", model.config.name, number)

    def _version(self, spec: Any) -> int | None:
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice == "version_label":
            labels = self._models[spec.name].config.version_labels if spec.name in self._models else {}
            if spec.version_label not in labels:
                raise invalid(f"Unrecognized servable version label: {spec.version_label}")
            return labels[spec.version_label]
        return None

    def _check_labels(self, models: dict[str, Any]) -> None:
        for name, config in models.items():
            old = self._models.get(name)
            for label, number in config.version_labels.items():
                moved = old is not None and old.config.version_labels.get(label, number) != number
                if self._labels_ahead and not moved:
                    continue
                if old is None or number not in old.available:
                    raise ServingError(
                        "FAILED_PRECONDITION",
                        f"Request to assign label to version {number} of model {name}, which is not currently"
                        " available for inference",
                    )

    def _why_not(self, name: str) -> str:
        states = self._models[name].versions
        number = max(states, default=None)
        reason = states[number].error_message if number is not None else "no version was found"
        return f"{{name: {name} version: {number}}} due to error: {reason}"


def _why(error: Exception) -> tuple[str, str]:
    if isinstance(error, OSError) and "SavedModel file does not exist" in str(error):
        return "NOT_FOUND", str(error)
    if isinstance(error, ServingError | tf.errors.OpError):
        known = as_serving_error(error)
        return known.code, known.message
    return "INTERNAL", " ".join(str(error).split())[:500]
