"""Does attention align? A recurrent translator and a Transformer against links between words that people made.

    python benchmarks/alignment_quality.py --output runs/bible --minutes 60

Both recipes, `text-to-text` (GRU and Bahdanau's attention) and `text-to-text-transformer`, learn to rewrite verses of
the King James Bible in modern English, side by side, each with half of the cores. They are then given the validation
verses and their rewritings, and each word of these is linked to the word that is looked at most. Layer, head and shift
are chosen by the links of one half of the verses and measured on the other half, and the other way around; each run
keeps those that are best on all, for `keras-attn decode --alignments` and tags. What is there from an earlier call is
not done again; a training that was killed goes on.

Minutes: the training's, and 5 on top, of which eflomal takes 2. Quality expected: a precision of 95 % for the
Transformer and 79 % for the GRU, 85 % for the baselines' union and 96 % for eflomal; on words that differ 78, 57, 36
and 81 % (2026-11-30).

The links are sure ones, of content words with equal Strong numbers; other words were left open and do not count.
Beside attention stand two baselines, their union (the diagonal where no string is the same), and eflomal (Östling and
Tiedemann 2016), trained on the same verses, if `pip install eflomal` was done; it is GPL, and compiled by a C compiler.

Data: `$KERAS_ATTN_DATA/bible_kjv_web_aligned`, public domain.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tyro
from gru_and_transformer import RECIPES, RECURRENT, train
from rich.console import Console
from rich.table import Table

from keras_attn.alignment import (
    AlignmentQuality,
    Gold,
    Links,
    Look,
    alignment_quality,
    choose_look,
    diagonal,
    differing_only,
    linked_only,
    parse_links,
    same_string,
    words,
)
from keras_attn.alignment.look import Attention
from keras_attn.data.lines import read_lines
from keras_attn.errors import expect

if TYPE_CHECKING:
    from keras_attn.recipes import Run


@dataclass(frozen=True)
class Settings:
    """Args: minutes: of training, each; updates_per_epoch: after so many it is scored; data: folder of the corpus."""

    output: Path
    minutes: float = 60.0
    updates_per_epoch: int = 500
    vocabulary_size: int = 8000
    seed: int = 1
    data: Path = field(
        default_factory=lambda: Path(os.environ.get("KERAS_ATTN_DATA", "data")) / "bible_kjv_web_aligned"
    )


class Verses(NamedTuple):
    """Sources, targets, and links of each, where they are wanted."""

    sources: list[str]
    targets: list[str]
    gold: list[Gold]

    @classmethod
    def read(cls, folder: Path, split: str) -> Verses:
        old, new, links = (
            [line.decode() for line in read_lines(folder / f"{split}.{kind}.gz")] for kind in ("kjv", "web", "align")
        )
        return cls(old, new, [parse_links(line) for line in links])


def commands(settings: Settings) -> dict[str, list[str]]:
    """What trains each of the two."""
    common = []
    for split in ("train", "valid"):
        common += [f"--data.{split}", *(str(settings.data / f"{split}.{kind}.gz") for kind in ("kjv", "web"))]
    common += ["--data.max-length", "160", "--text.shared", "--text.vocabulary-size", str(settings.vocabulary_size)]
    common += ["--training.minutes", str(settings.minutes), "--training.tokens-per-batch", "4096"]
    common += ["--training.schedule", "inverse_square_root", "--training.score-limit", "200", "--search.beam", "1"]
    common += ["--training.updates-per-epoch", str(settings.updates_per_epoch), "--seed", str(settings.seed)]
    made = {}
    for name, recipe in RECIPES.items():
        own = RECURRENT if recipe == "text-to-text" else ["--training.updates", "None"]
        made[name] = [recipe, *common, *own, "--output", str(settings.output / recipe)]
    return made


def attention(run: Run, verses: Verses) -> list[Attention]:
    """Where a trained run looks while it is given the targets."""
    found = run.attention(verses.sources, verses.targets)
    for side in ("source", "target"):
        for text, one in zip(getattr(verses, f"{side}s"), found, strict=True):
            seen = len(words(getattr(one, f"{side}_tokens")))
            expect(seen == len(text.split()), f"words of {text[:40]!r}", str(len(text.split())), seen)
    return found


def by_the_other_half(attentions: list[Attention], gold: list[Gold]) -> tuple[list[Links], list[Look]]:
    """Links of either half, read where they are best in the other one; and where that is."""
    middle = len(gold) // 2
    found: list[Links] = []
    looks = []
    for own, other in ((slice(middle), slice(middle, None)), (slice(middle, None), slice(middle))):
        look = next(iter(choose_look(attentions[other], gold[other])))
        looks.append(look)
        found += [look(one) for one in attentions[own]]
    return found, looks


def baselines(verses: Verses) -> dict[str, list[Links]]:
    pairs = [(old.split(), new.split()) for old, new in zip(verses.sources, verses.targets, strict=True)]
    same, line = [same_string(*pair) for pair in pairs], [diagonal(*pair) for pair in pairs]
    both = []
    for here, there in zip(same, line, strict=True):
        linked = {target for _, target in here}
        both.append(here | {link for link in there if link[1] not in linked})
    return {"same string": same, "diagonal": line, "same string, else diagonal": both}


def statistical(settings: Settings, verses: Verses) -> list[Links] | None:
    """What eflomal says; None if it is not there."""
    kept = settings.output / "eflomal.txt"
    if not kept.exists():
        try:
            import eflomal
        except ImportError:
            return None
        learned = Verses.read(settings.data, "train")
        settings.output.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".new")
        sides = zip((learned.sources, learned.targets), (verses.sources, verses.targets), strict=True)
        text = [[f"{line}\n" for line in (*most, *rest)] for most, rest in sides]
        eflomal.Aligner().align(*text, links_filename_fwd=str(fresh))
        fresh.replace(kept)
    return [parse_links(line.decode()).sure for line in read_lines(kept)][-len(verses.gold) :]


def compare(found: dict[str, list[Links]], verses: Verses) -> Table:
    """Precision, recall and alignment error rate on linked words, all of them and those whose form differs."""
    sides = [[line.split() for line in lines] for lines in (verses.sources, verses.targets)]
    differing = [differing_only(gold, *pair) for gold, *pair in zip(verses.gold, *sides, strict=True)]
    table = Table("alignment", title="on linked words")
    for subset in ("all", "form differs"):
        links = sum(len(gold.sure) for gold in (verses.gold if subset == "all" else differing))
        for measure in ("precision", "recall", "AER"):
            table.add_column(f"{measure}, {subset} ({links:,})" if measure == "precision" else measure, justify="right")
    for name, rows in found.items():
        cells = [name]
        for gold in (verses.gold, differing):
            cells += _cells(alignment_quality(map(linked_only, rows, gold), gold))
        table.add_row(*cells)
    return table


def _cells(quality: AlignmentQuality) -> list[str]:
    return [f"{100 * share:.1f} %" for share in (quality.precision, quality.recall, quality.error_rate)]


def main(settings: Settings) -> None:
    verses = Verses.read(settings.data, "valid")
    train(commands(settings))
    found, looks = baselines(verses), {}
    if (links := statistical(settings, verses)) is not None:
        found["eflomal"] = links
    from keras_attn.recipes import Run

    for name, recipe in RECIPES.items():
        run = Run.load(settings.output / recipe)
        attentions = attention(run, verses)
        found[name], looks[name] = by_the_other_half(attentions, verses.gold)
        run.keep_look(next(iter(choose_look(attentions, verses.gold))))
    Console(width=160).print(compare(found, verses))
    for name, halves in looks.items():
        print(f"{name}: {'; '.join(map(str, halves))}")


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
