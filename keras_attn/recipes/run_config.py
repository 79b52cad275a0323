"""config.json: what a run is made of."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import pydantic

from keras_attn.alignment import Look
from keras_attn.errors import UserError
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder
from keras_attn.recipes.settings import SearchSettings
from keras_attn.training.precision import Precision
from keras_attn.whole_file import whole_file


def _kind(sizes: Any) -> str:
    """Which encoder or decoder some sizes are of: "rnn", or "transformer", whose width says so."""
    has = "width" in sizes if isinstance(sizes, dict) else hasattr(sizes, "width")
    return "transformer" if has else "rnn"


KIND = pydantic.Discriminator(_kind)


class ModelConfig(pydantic.BaseModel):
    """What `model` in config.json may hold."""

    model_config = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    encoder: Annotated[
        Annotated[RNNEncoder, pydantic.Tag("rnn")] | Annotated[TransformerEncoder, pydantic.Tag("transformer")], KIND
    ]
    decoder: Annotated[
        Annotated[RNNDecoder, pydantic.Tag("rnn")] | Annotated[TransformerDecoder, pydantic.Tag("transformer")], KIND
    ]
    share_embeddings: bool = False
    max_source_length: int = pydantic.Field(256, ge=1)
    length_factor: float = pydantic.Field(2.0, gt=0)
    precision: Precision = "float32"
    search: SearchSettings = SearchSettings()
    look: Look | None = None


class RunConfig(pydantic.BaseModel):
    """The recipe with all its fields, the model, the tokenizer's fingerprint and versions."""

    model_config = pydantic.ConfigDict(extra="forbid")

    recipe: str
    fields: dict[str, Any]
    model: ModelConfig
    tokenizer: str
    terms: str = ""
    versions: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path) -> RunConfig:
        """Read config.json.

        Raises:
            UserError: a field is missing, unknown or makes no sense.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"] if part not in ("rnn", "transformer")) or "the file"
            raise UserError(f"{path}: {where}: {first['msg']} (of {error.error_count()} faults)") from error

    def save(self, path: Path) -> None:
        """Write config.json."""
        with whole_file(path) as new:
            new.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")

    def check_goes_on(self, begun: RunConfig, folder: Path) -> None:
        """Raise unless a run that was begun with another config can go on with this one.

        All must be the same but the name of the folder.

        Raises:
            UserError: a field differs; it is named.
        """
        theirs, ours = (_flat(json.loads(config.model_dump_json())) for config in (begun, self))
        for name in sorted({*theirs, *ours} - {"fields.output"}):
            was, came = theirs.get(name), ours.get(name)
            if was != came:
                raise UserError(
                    f"{name.removeprefix('fields.')}: expected {was!r}, as when the run in {str(folder)!r} was begun, "
                    f"got {came!r}; give what was given then, or take another folder"
                )


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    names = ("keras_attn", "keras", "tensorflow", "tensorflow-text", "sentencepiece", "sacrebleu", "babel", "numpy")
    return {name: importlib.metadata.version(name) for name in names}


def plain(settings: Any) -> dict[str, Any]:
    """A recipe's fields as JSON can hold them."""
    return json.loads(json.dumps(asdict(settings), default=str))


def _flat(tree: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves by their dotted names.

    >>> _flat({"model": {"units": 3}, "seed": 1})
    {'model.units': 3, 'seed': 1}
    """
    if not isinstance(tree, dict):
        return {name: tree}
    return {key: leaf for part, rest in tree.items() for key, leaf in _flat(rest, f"{name}.{part}".lstrip(".")).items()}
