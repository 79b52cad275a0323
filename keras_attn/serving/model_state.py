"""What becomes of one version of a model, as the status API tells it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from keras_attn.serving.servable import Servable
from keras_attn.serving.version_policy import fingerprint


@dataclasses.dataclass
class VersionState:
    """One version: where it stands between START and END.

    Attributes:
        state: START, LOADING, AVAILABLE, UNLOADING or END.
        error_code, error_message: why it could not be loaded; "OK" and nothing otherwise.
        servable: what answers while it is AVAILABLE.
        files: what was found broken, if it was.
    """

    state: str = "START"
    error_code: str = "OK"
    error_message: str = ""
    servable: Servable | None = None
    files: Any = None

    def worth_loading(self, path: Path) -> bool:
        """Whether it isn't loaded, and hasn't failed with the very files that are there now."""
        return self.servable is None and (self.files is None or self.files != fingerprint(path))


@dataclasses.dataclass
class Model:
    """One model: its configuration, a `ModelConfig`, and its versions."""

    config: Any
    versions: dict[int, VersionState] = dataclasses.field(default_factory=dict)

    @property
    def available(self) -> dict[int, Servable]:
        """What answers requests now."""
        return {number: state.servable for number, state in self.versions.items() if state.servable is not None}
