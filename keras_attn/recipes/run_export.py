"""A run's model as other programs load it, checked against the run before it gets its name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_attn.errors import UserError
from keras_attn.export import compare, to_ctranslate2
from keras_attn.export.ctranslate2_check import CLOSE, score_difference

if TYPE_CHECKING:
    from keras_attn.recipes.run import Run


def export_saved_model(run: Run, folder: str | os.PathLike[str], lines: Sequence[str] | None = None) -> Path:
    """Save for serving, and check it in a clean process against this one.

    Args:
        run: the run.
        folder: the version's folder, such as saved_models/NAME/1.
        lines: what to compare on; the run's own sample sentences if None.

    Raises:
        UserError: the folder exists, or an output differs and is no tie.
    """
    sentences = list(lines or run.samples()[0])

    def check(written: Path) -> None:
        parity = compare(run.module, written, sentences)
        if not parity.holds:
            first = parity.differences[0]
            raise UserError(f"export: does not say what the run says, nothing was kept: {parity}; first: {first}")
        found = f"Reloaded in a clean process with TensorFlow and tensorflow-text only: {parity}."
        (written / "assets.extra" / "report.md").write_text(_report(run, found), "utf-8")

    return run.module.save(folder, check)


def export_ctranslate2(
    run: Run, folder: str | os.PathLike[str], lines: Sequence[str] | None = None, quantization: str | None = None
) -> Path:
    """Convert to CTranslate2's format, and check that it finds our greedy outputs as likely as we do.

    Args:
        run: the run, of a Transformer.
        folder: what `ctranslate2.Translator` will load.
        lines: what to compare on; the run's own sample sentences if None.
        quantization: see `export.to_ctranslate2`. What is rounded is compared for the report only.

    Raises:
        UserError: the folder exists, CTranslate2 has no such model, or a score differs.
    """
    sentences = list(lines or run.samples()[0])

    def check(written: Path) -> None:
        targets = run.greedy(sentences).text
        scores = run.score(sentences, targets)
        largest = score_difference(written, run.text, sentences, targets, scores)
        found = f"log p of {sum(len(score.tokens) for score in scores):,} tokens within {largest:.1e} of ours"
        if largest > CLOSE and quantization in (None, "float32"):
            raise UserError(f"export: does not say what the run says, nothing was kept: {found}")
        (written / "report.md").write_text(_report(run, f"Loaded by CTranslate2: {found}."), "utf-8")

    model = run.config.model
    sizes: dict[str, Any] = {"quantization": quantization, "places": max(2048, *(1 + n for n in run.score.limits))}
    return to_ctranslate2(run.views, model.encoder, model.decoder, run.text, folder, **sizes, check=check)


def _report(run: Run, found: str) -> str:
    """What stands beside an exported model: where it comes from, and what it was seen to do."""
    scores = run.folder / "report.json"
    results = json.loads(scores.read_bytes()) if scores.is_file() else {}
    rows = [f"- {name}: {value}" for name, value in results.items() if not isinstance(value, dict | list)]
    made = ", ".join(f"{name} {version}" for name, version in run.config.versions.items())
    return "\n".join(
        [
            f"# {run.config.recipe}",
            "",
            f"Recipe `{run.config.recipe}`, {run.views.training.count_params():,} weights, tokenizer "
            f"{run.config.tokenizer[:12]}. Made with {made}.",
            "",
            *([run.config.terms, ""] if run.config.terms else []),
            "Scores on the test pairs:" if rows else "No test pairs were scored.",
            *rows,
            "",
            found,
            "",
            "Fields of the recipe:",
            "```json",
            json.dumps(run.config.fields, indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )
