"""Your own pairs: one TSV, or two parallel files, to a translator (normaliser, summariser, ...).

    keras-attn train text-to-text --data.train my.tsv --output runs/mine
    keras-attn train text-to-text --data.train my.en my.de --data.valid dev.en dev.de --output runs/en-de

Minutes: 16 epochs of 29,000 sentence pairs take about 30 on one CPU core, fewer on two. Score: that depends on your
pairs; see
`multi30k-gru-raw` for what the same network reaches on a known corpus.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from keras_attn.data import Pairs, hold_out
from keras_attn.models import RNNDecoder, RNNEncoder
from keras_attn.plots import by_length
from keras_attn.recipes.learn import learn
from keras_attn.recipes.run import Run
from keras_attn.recipes.settings import DataSettings, FitSettings, SearchSettings, TextSettings
from keras_attn.training import evaluate
from keras_attn.whole_file import whole_file

logger = logging.getLogger("keras_attn")


@dataclass(frozen=True)
class TextToTextRecipe:
    """A recurrent translator with Bahdanau attention, learned from pairs of text.

    Args:
        output: the run's folder; a run in it that was killed goes on, a finished one is an error.
        seed: the same seed gives the same run.
        init_from: a run to start from (its tokenizer and weights).
    """

    data: DataSettings = field(default_factory=DataSettings)
    text: TextSettings = field(default_factory=TextSettings)
    encoder: RNNEncoder = field(default_factory=lambda: RNNEncoder(dropout=0.3))
    decoder: RNNDecoder = field(default_factory=lambda: RNNDecoder(dropout=0.3, deep_output=True, tied=True))
    training: FitSettings = field(default_factory=FitSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    output: Path = Path("runs/text-to-text")
    seed: int = 1
    init_from: Path | None = None

    name = "text-to-text"
    terms = ""

    def train(self) -> Run:
        """Train, score the test pairs if there are any, and say where everything is."""
        pairs, valid = self._read()
        # Read now, so that a wrong path is told before the training and not after it.
        test = self._pairs("test", group=True).references() if self.data.test else None
        run = learn(
            self,
            self.name,
            pairs,
            valid,
            text=self.text,
            encoder=self.encoder,
            decoder=self.decoder,
            training=self.training,
            search=self.search,
            max_length=self.data.max_length,
            seed=self.seed,
            output=self.output,
            init_from=self.init_from,
        )
        if test is not None:
            result = evaluate(run.decode, *test, tokenize=self.training.tokenize)
            Console().print(result.table())
            print(f"test: {result}\n{result.signature_bleu}")
            run.keep_report({name: value for name, value in asdict(result).items() if name != "hypotheses"})
            with whole_file(self.output / "by_length.png") as path:
                by_length({self.name: result.by_length}, unit=result.length_unit).savefig(path, format="png")
        run.finish()
        if self.terms:
            print(self.terms)
        print(f"run: {self.output}\nnext: keras-attn decode {self.output} < input.txt")
        return run

    def _read(self) -> tuple[Any, tuple[list[str], list[list[str]]]]:
        pairs = self._pairs("train")
        if self.data.valid:
            return pairs, self._pairs("valid", group=True).references()
        kept, held = hold_out(pairs, one_in=20, at_most=2000, seed=self.seed)
        logger.info("valid: %d pairs held out of train", len(held))
        return kept, ([pair.source for pair in held], [[pair.target] for pair in held])

    def _pairs(self, split: Literal["train", "valid", "test"], group: bool = False) -> Pairs:
        pairs = self.data.pairs(split, group)
        logger.info("%s: %s", split, pairs.report)
        return pairs
