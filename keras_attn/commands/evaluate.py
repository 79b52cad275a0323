"""`keras-attn evaluate`."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Literal

from keras_attn.errors import UserError
from keras_attn.whole_file import whole_file


def evaluate(
    run: Path,
    /,
    *,
    source: Path,
    reference: tuple[Path, ...],
    tokenize: Literal["13a", "intl", "zh", "char", "none"] = "13a",
    lowercase: bool = False,
    beam: int | None = None,
    length_penalty: float | None = None,
    output: Path | None = None,
) -> None:
    """Decode a file and score it against one or several references (BLEU, chrF, exact match).

    keras-attn evaluate runs/dates --source test.source --reference test.target
    keras-attn evaluate runs/en-zh --source test.en --reference test.zh --tokenize zh --output runs/en-zh/test

    Args:
        run: folder of a trained run, or of one version of an exported model.
        source: sentences, one a line.
        reference: references, one a line, in the order of the source; several files are several references.
        tokenize: tokenization that BLEU counts words with.
        lowercase: ignore case in all scores.
        beam: width of the beam, 1 for greedy search; the run's own if none is given.
        length_penalty: of the beam: 0 compares sums of log p, larger favors longer outputs.
        output: folder that receives hypotheses.txt, scores.json and by_length.png.
    """
    from rich.console import Console

    from keras_attn.data import read_pairs
    from keras_attn.lines.writing import one_line
    from keras_attn.opened_model import open_model
    from keras_attn.plots import by_length
    from keras_attn.training import evaluate as score

    if not reference:
        raise UserError("--reference: expected one file or several, got none")
    # A line left out would shift its references, so a bad one stops here, with its file and number.
    columns = [list(read_pairs(source, path, on_bad="refuse", max_characters=sys.maxsize)) for path in reference]
    model = open_model(run, scores=False, beam=beam, length_penalty=length_penalty)
    result = score(
        lambda sentences: list(model.translate(sentences).text),
        [pair.source for pair in columns[0]],
        [[pair.target for pair in row] for row in zip(*columns, strict=True)],
        lowercase=lowercase,
        tokenize=tokenize,
    )
    Console().print(result.table())
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        scores = dataclasses.asdict(result)
        hypotheses = scores.pop("hypotheses")
        with whole_file(output / "hypotheses.txt") as path:
            path.write_text("".join(f"{one_line(text)}\n" for text in hypotheses), "utf-8")
        with whole_file(output / "scores.json") as path:
            path.write_text(json.dumps(scores, indent=2, ensure_ascii=False, default=float) + "\n", "utf-8")
        with whole_file(output / "by_length.png") as path:
            figure = by_length({run.name: result.by_length}, unit=result.length_unit)
            figure.savefig(path, format="png")
        print(output)
