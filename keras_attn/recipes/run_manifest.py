"""Where an exported model comes from, for programs to read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_attn.export import SIGNATURES
from keras_attn.recipes.run_config import versions

if TYPE_CHECKING:
    from keras_attn.recipes.run import Run


def manifest(run: Run, written: Path, n_best: int) -> dict[str, Any]:
    """What `assets.extra/manifest.json` holds.

    Args:
        run: that was exported.
        written: the folder of its SavedModel, whose files are hashed.
        n_best: outputs of the signature of that name.
    """
    config = run.config
    fields = public_fields(run)
    return {
        "recipe": config.recipe,
        "fields": fields,
        "model": json.loads(config.model.model_dump_json()),
        "n_best": n_best,
        "weights": run.views.training.count_params(),
        "seeds": seeds(fields),
        "tokenizer": {"sha256": config.tokenizer},
        "data": {name: _digest(path) for name, path in data_files(config.fields).items()},
        "terms": config.terms,
        "scores": scores(run),
        "versions": {"training": config.versions, "export": versions()},
        "signatures": {name: asdict(signature) for name, signature in SIGNATURES.items()},
        "files": {
            path.relative_to(written).as_posix(): _digest(path)
            for path in sorted(written.rglob("*"))
            if path.is_file() and path.relative_to(written).parts[0] != "assets.extra"
        },
    }


def scores(run: Run) -> dict[str, Any]:
    """The scores on the test pairs, with their signatures; none where nothing was scored."""
    report = run.folder / "report.json"
    return json.loads(report.read_bytes()) if report.is_file() else {}


def public_fields(run: Run) -> dict[str, Any]:
    """The recipe's fields, without the places where files lay on the machine that trained."""
    return {name: _without_places(value) for name, value in run.config.fields.items() if name != "output"}


def data_files(fields: dict[str, Any]) -> dict[str, Path]:
    """Files of pairs that a recipe's fields name; none where it writes its own.

    >>> data_files({"data": {"train": ["x/a.en", "x/a.de"], "reverse": False}})
    {'train/a.en': PosixPath('x/a.en'), 'train/a.de': PosixPath('x/a.de')}
    """
    given = fields.get("data")
    parts = {part: (given if isinstance(given, dict) else {}).get(part) or () for part in ("train", "valid", "test")}
    return {f"{part}/{Path(path).name}": Path(path) for part, paths in parts.items() for path in paths}


def seeds(tree: Any, name: str = "") -> dict[str, int]:
    """Every field called seed, by its dotted name.

    >>> seeds({"seed": 1, "data": {"seed": 2, "train": []}})
    {'seed': 1, 'data.seed': 2}
    """
    if not isinstance(tree, dict):
        return {name: tree} if name.rpartition(".")[2] == "seed" else {}
    return {key: seed for part, rest in tree.items() for key, seed in seeds(rest, f"{name}.{part}".lstrip(".")).items()}


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_places(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_places(part) for part in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _digest(path: Path) -> dict[str, Any] | None:
    """SHA-256 and size as they are now; None of a file that is not there any more."""
    try:
        with path.open("rb") as file:
            return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}
    except OSError:
        return None
