"""A run's model as other programs load it, checked against the run before it gets its name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_attn.errors import UserError, expect
from keras_attn.export import Agreement, TextToText, compare, to_ctranslate2, to_litert
from keras_attn.export.ctranslate2_check import CLOSE, score_difference
from keras_attn.export.litert_check import greedy_litert
from keras_attn.export.warmup import answer, read_warmup, requests, write_warmup
from keras_attn.recipes.run_manifest import manifest, public_fields, scores
from keras_attn.text.cleaning import clean

if TYPE_CHECKING:
    from keras_attn.recipes.run import Run


def export_saved_model(
    run: Run, folder: str | os.PathLike[str], lines: Sequence[str] | None = None, n_best: int = 5
) -> Path:
    """Save for serving, and check it in a clean process against this one.

    Beside the model, in `assets.extra`, stand parity.json (what the check saw), manifest.json, report.md and warm-up
    requests for a server, each of which was answered in a C++ session.

    Args:
        run: the run.
        folder: the version's folder, such as saved_models/NAME/1.
        lines: what to compare on; the run's own sample sentences if None.
        n_best: outputs of the signature of that name, which has a beam of its own, at least as wide.

    Raises:
        UserError: the folder exists, or an output differs and is no tie.
    """
    expect(n_best >= 1, "n_best", "at least 1", n_best)
    sentences = list(run.samples()[0] if lines is None else lines)
    model, search = run.config.model, run.config.model.search
    several = replace(search, beam=max(search.beam, n_best), n_best=n_best).make()
    one = search.make()
    more: dict[str, Any] = {"several": None if several == one else several, "shortlist": run.shortlist}
    more |= {"max_source_length": model.max_source_length, "length_factor": model.length_factor, "look": model.look}
    module = TextToText(run.views, run.text, one, **more)

    def check(written: Path) -> None:
        parity = compare(run.module, written, sentences)
        if not parity.holds:
            first = parity.differences[0]
            raise UserError(f"export: does not say what the run says, nothing was kept: {parity}; first: {first}")
        few = [clean(line) for line in sentences[:2]]
        asked = requests(few, run.module(few).text)
        # Only the usual client's: each other one keeps a server from answering for up to a second (dates, 2026-11-20).
        warm = write_warmup(written, Path(folder).absolute().parent.name, asked[:1])
        answer(written, [*asked, *(read_warmup(written) if warm else [])])
        found = [f"Reloaded in a clean process with TensorFlow and tensorflow-text only. {parity}."]
        if not warm:
            found.append("No warm-up requests: tensorflow-serving-api was not installed.")
        extra = written / "assets.extra"
        (extra / "report.md").write_text(_report(run, " ".join(found)), "utf-8")
        tells = json.dumps(manifest(run, written, n_best), indent=1, ensure_ascii=False)
        (extra / "manifest.json").write_text(tells + "\n", "utf-8")

    return module.save(folder, check)


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
    sentences = list(run.samples()[0] if lines is None else lines)

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


def export_litert(
    run: Run, folder: str | os.PathLike[str], lines: Sequence[str] | None = None, quantization: str | None = None
) -> Path:
    """Convert encoder and step to LiteRT, and check that a greedy search around them writes what ours writes.

    Args:
        run: the run.
        folder: to make.
        lines: what to compare on; the run's own sample sentences if None.
        quantization: see `export.to_litert`. What is rounded is compared for the report only.

    Raises:
        UserError: the folder exists, LiteRT has no such operations, or an output differs and is no tie.
    """
    sentences = list(run.samples()[0] if lines is None else lines)

    def check(written: Path) -> None:
        found = Agreement.of(sentences, run.greedy(sentences), greedy_litert(written, run.text, run.greedy, sentences))
        if quantization is None and not found.holds:
            first = found.differences[0]
            raise UserError(f"export: does not say what the run says, nothing was kept: {found}; first: {first}")
        (written / "report.md").write_text(_report(run, f"Run by LiteRT's interpreter, greedily: {found}."), "utf-8")

    return to_litert(run.views, run.text, folder, quantization=quantization, check=check)


def _report(run: Run, found: str) -> str:
    """What stands beside an exported model: where it comes from, and what it was seen to do."""
    rows = [f"- {name}: {value}" for name, value in scores(run).items() if not isinstance(value, dict | list)]
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
            json.dumps(public_fields(run), indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )
