"""What a folder holds, whichever way it was written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_attn.errors import UserError, expect
from keras_attn.lines.writing import Decoded
from keras_attn.quiet import import_tensorflow


@dataclass(frozen=True)
class Model:
    """A trained run or an exported model; each function takes a list of sentences.

    Args:
        translate: the best output of each, see `export.Output`.
        align: that, and where it looked, see `export.Alignment`.
        hypotheses: several outputs of each, best first.
        lengths: how many tokens it reads of each, if that can be told beforehand.
    """

    translate: Callable[..., Any]
    align: Callable[..., Any]
    hypotheses: Callable[..., Any]
    lengths: Callable[[list[str]], list[int]] | None = None

    def decode(self, sentences: list[str], n_best: int = 1, alignments: bool = False) -> list[Decoded]:
        """Decode all at once, with what is asked for; an alignment where it is that of the first output.

        An exported model's other signature may have found another.
        """
        size = len(sentences)
        aligned = self.align(sentences, size) if alignments else []
        several = self.hypotheses(sentences, size) if n_best > 1 else []
        if several:
            rows = [([(one.text, one.score) for one in row[:n_best]], row[0].truncated) for row in several]
        elif aligned:
            rows = [([(one.text, one.score)], one.truncated) for one in aligned]
        else:
            output = self.translate(sentences, size)
            each = zip(output.text, map(float, output.score), map(bool, output.truncated), strict=True)
            rows = [([(text, score)], truncated) for text, score, truncated in each]
        pairs = zip(rows, aligned or [None] * size, strict=True)
        return [
            Decoded(outputs, one if one and one.text == outputs[0][0] else None, truncated)
            for (outputs, truncated), one in pairs
        ]


def open_model(folder: Path, *, scores: bool = True, **search: Any) -> Model:
    """Load a trained run, with other search settings where they are not None, or one version of an exported model.

    Args:
        folder: what holds it.
        scores: whether scores are wanted of `translate`; a run is faster without, and gives nan.
        search: fields of `SearchSettings`, and `shortlist`.

    Raises:
        UserError: there is none, or it has its search inside.
    """
    import_tensorflow(side_by_side=True)
    search = {name: value for name, value in search.items() if value is not None}
    if (folder / "saved_model.pb").is_file():
        several = search.pop("n_best", 1)
        for name in search:
            raise UserError(
                f"--{name.replace('_', '-')}: an exported model has its search inside; export the run again"
            )
        from keras_attn.export import load

        model = load(folder)
        wanted = f"at most {model.n_best}, which is what this model was exported with (export --n-best)"
        expect(several <= model.n_best, "--n-best", wanted, several)
        return Model(model, model.align, model.hypotheses, model.lengths)
    run = open_run(folder, search)
    if "length_penalty" in search and run.config.model.search.beam == 1:
        raise UserError("--length-penalty: a beam's, and this search is greedy; add --beam 5")
    translate = functools.partial(run.module, scores=scores)
    return Model(translate, run.module.align, run.module.hypotheses, run.module.lengths)


def open_run(folder: Path, search: dict[str, Any] | None = None) -> Any:
    """Load a trained run, with other search settings, or `shortlist`, see `Run.load`.

    Raises:
        UserError: there is none; an exported model is none either.
    """
    import_tensorflow()
    if versions := sorted(path.parent.name for path in folder.glob("*/saved_model.pb")):
        raise UserError(f"run: {str(folder)!r} holds the versions {', '.join(versions)}; give the folder of one")
    if (folder / "saved_model.pb").is_file():
        raise UserError(f"run: {str(folder)!r} is an exported model; give the folder of the run it was made of")
    from keras_attn.recipes import Run

    search = dict(search or {})
    return Run.load(folder, shortlist=bool(search.pop("shortlist", False)), search=search)
