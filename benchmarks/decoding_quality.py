"""What a better search gives: greedy, beams with chosen penalties, samples of least risk, several models together.

    python benchmarks/decoding_quality.py runs/SEED-1 runs/SEED-2 runs/SEED-3

The runs are of one model, trained from several seeds, over one vocabulary. For each width, the length and the coverage
penalty with the best BLEU on the first run's validation text are taken, and so is the temperature of the samples; the
test text is then scored once with each. A row is the mean and the deviation over the runs. The ensemble averages the
probabilities of all of them, with the penalties of its width.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from decoding_sides import data_of, show
from sacrebleu.metrics import CHRF

from keras_attn.decoding import Beam, CoveragePenalty, Ensemble, Greedy, LengthPenalty, Sample, minimum_bayes_risk
from keras_attn.errors import UserError
from keras_attn.export import TextToText
from keras_attn.recipes import Run
from keras_attn.training.text_scores import bleu, chrf

Translate = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True)
class Settings:
    """What is searched.

    Args:
        runs: folders of trained runs.
        beams: widths.
        lengths, coverages: penalties to choose from, see `LengthPenalty` and `CoveragePenalty`.
        temperatures: to choose from.
        samples: for each sentence, of which every two are compared (0.7 ms each with sacreBLEU); 0 leaves them out.
        sentences: of either text, at most.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    beams: tuple[int, ...] = (2, 5, 10)
    lengths: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5)
    coverages: tuple[float, ...] = (0.0, 0.2)
    temperatures: tuple[float, ...] = (0.5, 0.7, 1.0)
    samples: int = 16
    sentences: int | None = None


@dataclass(frozen=True)
class Text:
    """Sources, the references of each, and how BLEU cuts them into words."""

    sources: list[str]
    references: list[list[str]]
    tokenize: str

    @classmethod
    def of(cls, run: Run, split: Literal["valid", "test"], most: int | None) -> Text:
        """The text that the run's recipe names."""
        sources, references = data_of(run).pairs(split, group=True).references()
        return cls(sources[:most], references[:most], run.config.fields["training"]["tokenize"])

    def scores(self, translate: Translate) -> tuple[float, float, str]:
        """BLEU, chrF2 and the signature of the first."""
        outputs = translate(self.sources)
        score, signature = bleu(outputs, self.references, tokenize=self.tokenize)
        return score, chrf(outputs, self.references)[0], signature


def searching(run: Run, search: Any, views: Any = None) -> TextToText:
    """The run's model, or another over its vocabulary, with a search."""
    model = run.config.model
    limits: dict[str, Any] = {"max_source_length": model.max_source_length, "length_factor": model.length_factor}
    return TextToText(views or run.views, run.text, search, **limits)


def translation(run: Run, search: Any, views: Any = None) -> Translate:
    module = searching(run, search, views)
    return lambda lines: list(module(lines).text)


def least_risk(run: Run, samples: int, temperature: float) -> Translate:
    """The sample that is most like the others by chrF."""
    module = searching(run, Sample(samples, temperature=temperature))
    metric = CHRF()

    def like(hypothesis: str, reference: str) -> float:
        return metric.sentence_score(hypothesis, [reference]).score

    def translate(lines: Sequence[str]) -> list[str]:
        drawn = ([one.text for one in found] for found in module.hypotheses(lines))
        return [texts[minimum_bayes_risk(texts, like).index] for texts in drawn]

    return translate


def best(name: str, made: dict[str, tuple[Any, Translate]], valid: Text) -> tuple[str, Any]:
    """The setting with the best BLEU on validation text."""
    scores = {setting: valid.scores(translate)[0] for setting, (_, translate) in made.items()}
    for setting, score in scores.items():
        print(f"valid, {name}, {setting}: {score:.2f}", flush=True)
    chosen = max(scores, key=lambda setting: scores[setting])
    return chosen, made[chosen][0]


def searches(run: Run, valid: Text, settings: Settings) -> dict[str, Any]:
    """Greedy search, and each width with its best penalties."""
    found: dict[str, Any] = {"greedy": Greedy()}
    for width in settings.beams:
        made = {}
        for length, coverage in itertools.product(settings.lengths, settings.coverages):
            penalty = CoveragePenalty(coverage) if coverage else None
            search = Beam(width, length=LengthPenalty(length), coverage=penalty)
            made[f"length {length}, coverage {coverage}"] = search, translation(run, search)
        setting, search = best(f"beam {width}", made, valid)
        found[f"beam {width}, {setting}"] = search
    return found


def systems(runs: Sequence[Run], valid: Text, settings: Settings) -> Iterator[tuple[str, list[Translate]]]:
    """The name of each row, and what translates for it: one for each run, or all of them together."""
    first, found = runs[0], searches(runs[0], valid, settings)
    for name, search in found.items():
        yield name, [translation(run, search) for run in runs]
    if len(runs) > 1:
        both = Ensemble([run.views for run in runs])
        for name, search in found.items():
            yield f"all together, {name}", [translation(first, search, both)]
    if settings.samples:
        made = {f"temperature {one}": (one, least_risk(first, settings.samples, one)) for one in settings.temperatures}
        setting, chosen = best(f"{settings.samples} samples", made, valid)
        name = f"least risk of {settings.samples} samples, {setting}"
        yield name, [least_risk(run, settings.samples, chosen) for run in runs]


def main(settings: Settings) -> None:
    runs = [Run.load(folder) for folder in settings.runs]
    first = runs[0]
    for run in runs[1:]:
        if run.text.fingerprint != first.text.fingerprint:
            raise UserError(f"runs: {run.folder} has another vocabulary than {first.folder}; train on the same text")
    valid, test = (Text.of(first, split, settings.sentences) for split in ("valid", "test"))
    rows, signature = [], ""
    for name, translates in systems(runs, valid, settings):
        scores = [test.scores(translate) for translate in translates]
        signature = scores[0][2]
        cells = []
        for values in list(zip(*scores, strict=True))[:2]:
            deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.2f}{deviation}")
        rows.append((name, str(len(scores)), *cells))
        print("test,", *rows[-1], flush=True)
    show(f"{len(test.sources):,} test sentences, {signature}", ["search", "runs", "BLEU", "chrF2"], rows)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
