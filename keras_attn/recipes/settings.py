"""The fields that recipes share: what can be set on the command line, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from keras_attn.data import Pairs, read_pairs
from keras_attn.decoding import Beam, CoveragePenalty, Greedy, LengthPenalty
from keras_attn.errors import UserError, expect
from keras_attn.training.optimizers import Optimizer, Schedule
from keras_attn.training.precision import Precision
from keras_attn.training.text_scores import bleu


@dataclass(frozen=True)
class DataSettings:
    """Which pairs to learn from.

    Args:
        train: one TSV (source, target), or two parallel files, plain or .gz.
        valid: the same, to choose the best weights on; by default 1 pair in 20 of train (at most 2,000) is held out.
        test: the same, scored once at the end; may be left out.
        columns: of a TSV, counted from 0: the source's, then those of the references; by default all after the first
            are references. 0 1 leaves out what stands behind, such as an attribution.
        reverse: learn from target to source instead; in a TSV these are the first two columns.
        on_bad: what to do with an empty, over-long or undecodable line: "skip" counts it, "refuse" stops.
        max_characters: longer lines are bad.
        max_length: training pairs with more tokens than this on either side are left out; longer inputs are cut.
    """

    train: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    columns: tuple[int, ...] | None = None
    reverse: bool = False
    on_bad: Literal["skip", "refuse"] = "skip"
    max_characters: int = 2000
    max_length: int = 100

    def __post_init__(self) -> None:
        _at_least_one(self, "max_characters", "max_length")
        two = self.columns is None or len(self.columns) == 2 or not self.reverse
        expect(two, "columns", "the source's and one target's, as they change places", self.columns)

    def pairs(self, split: Literal["train", "valid", "test"], group: bool = False) -> Pairs:
        """Read one of the three.

        Args:
            split: which.
            group: put the references of equal sources together, see `data.read_pairs`.

        Raises:
            UserError: there are none.
        """
        files = getattr(self, split)
        if len(files) not in (1, 2):
            raise UserError(f"--data.{split}: expected one TSV or two parallel files, got {len(files) or 'none'}")
        given, columns = files, self.columns
        if self.reverse:
            given, columns = files[::-1], (columns or (0, 1))[::-1]
        limits: dict[str, Any] = {"on_bad": self.on_bad, "max_characters": self.max_characters}
        found = read_pairs(*given, **limits, group=group, columns=columns)
        if not found.report.kept:
            raise UserError(f"--data.{split}: expected pairs in {' and '.join(files)}, found none: {found.report}")
        return found


@dataclass(frozen=True)
class TextSettings:
    """How strings become tokens.

    Args:
        model: SentencePiece's "unigram", "bpe", "char" or "word".
        vocabulary_size: tokens of each side.
        shared: one vocabulary, and one table of embeddings, for both sides.
        normalization: of the source, "nfkc" or "none".
        target_normalization: of the target; "none" writes what the training text writes. `shared` uses the source's.
        byte_fallback: spell unknown characters in bytes, so that any text can be read and written.
    """

    model: Literal["unigram", "bpe", "char", "word"] = "bpe"
    vocabulary_size: int = 6000
    shared: bool = False
    normalization: Literal["nfkc", "none"] = "nfkc"
    target_normalization: Literal["nfkc", "none"] = "none"
    byte_fallback: bool = True


@dataclass(frozen=True)
class SearchSettings:
    """How the trained model is asked. While it trains, validation text is decoded greedily.

    Args:
        beam: width of the beam, see `decoding.Beam`; 1 is greedy search.
        n_best: how many outputs of the beam to return.
        length_penalty: of a beam, how much longer outputs are favored, 0 not at all, see `decoding.LengthPenalty`.
        coverage_penalty: of a beam, what looking at a part of the source only costs, see `decoding.CoveragePenalty`.
    """

    beam: int = 1
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0

    def __post_init__(self) -> None:
        wanted = f"at most the width of the beam ({self.beam}), or a wider beam"
        expect(self.n_best <= self.beam, "n_best", wanted, self.n_best)
        self.make()  # refuses what else makes no sense

    def changed(self, **fields: Any) -> SearchSettings:
        """The same with other fields; of a narrower beam no more outputs are asked for than it has."""
        n_best = min(self.n_best, fields.get("beam", self.beam))
        return replace(self, **{"n_best": n_best, **fields})

    def make(self) -> Beam | Greedy:
        """Make the search."""
        coverage = CoveragePenalty(self.coverage_penalty)
        beam = Beam(
            self.beam, self.n_best, LengthPenalty(self.length_penalty), coverage if self.coverage_penalty else None
        )
        return Greedy() if self.beam == 1 else beam


@dataclass(frozen=True)
class FitSettings:
    """How to train.

    Args:
        epochs: passes over the training pairs, or over `updates_per_epoch`; None for as many as the next two allow.
        updates, minutes: stop after so many, see `training.fit`.
        updates_per_epoch: call it an epoch, and score, after so many updates; None for one pass.
        tokens_per_batch: padded tokens of the longer side in one batch.
        accumulate: batches in one update, which is then that of a batch of so many times the size.
        devices: GPUs, or parts of the CPU where there are none, that share the rows of each batch; the workers that
            TF_CONFIG names share them as well.
        shapes: number of static batch shapes.
        sampling: subword regularization, the probability that a merge is left out (model "bpe") or the exponent of a
            segmentation's probability ("unigram"), see `data.Epochs`; 0 for none.
        optimizer, weight_decay: "adam", or "adamw" with its decay.
        peak, warmup, schedule: learning rate, see `training.fit`; the Transformer's paper (Noam) has
            "inverse_square_root" with peak (width * warmup)^-0.5.
        smoothing: label smoothing.
        rdrop: weight of the disagreement of two passes under different dropout, such as 5, which cost twice the time;
            None for one pass.
        clip_norm: largest norm of the gradient.
        jit: compile the training step with XLA, anew for each batch shape.
        ema: share of the old average in a moving average of the weights, which is then scored and kept; None for none.
        precision: float type to compute in; weights are float32.
        patience: stop after so many epochs without a better score; None never stops early.
        score: what chooses the best weights, on decoded validation text.
        tokenize: sacreBLEU's tokenization of the target language.
        score_limit: validation sentences decoded after each epoch, at most.
        checkpoint_every, checkpoint_minutes: after so many updates or minutes, and after each epoch, write what a
            killed training goes on from.
        keep_last, keep_best: checkpoints of epochs to keep for `keras-attn average`.
        profile: record a few updates for TensorBoard's profiler.
    """

    epochs: int | None = 16
    updates: int | None = None
    minutes: float | None = None
    updates_per_epoch: int | None = None
    tokens_per_batch: int = 2048
    accumulate: int = 1
    devices: int = 1
    shapes: int = 12
    sampling: float = 0.0
    optimizer: Optimizer = "adam"
    weight_decay: float = 0.0
    peak: float = 2e-3
    warmup: int = 400
    schedule: Schedule = "linear"
    smoothing: float = 0.1
    rdrop: float | None = None
    clip_norm: float = 1.0
    jit: bool = False
    ema: float | None = None
    precision: Precision = "float32"
    patience: int | None = None
    score: Literal["bleu", "exact_match"] = "bleu"
    tokenize: str = "13a"
    score_limit: int = 1000
    checkpoint_every: int | None = 500
    checkpoint_minutes: float | None = 5.0
    keep_last: int = 2
    keep_best: int = 0
    profile: bool = False

    def __post_init__(self) -> None:
        _at_least_one(self, "epochs", "updates", "updates_per_epoch", "tokens_per_batch", "shapes", "warmup")
        _at_least_one(self, "accumulate", "devices", "score_limit", "checkpoint_every")
        for name in ("minutes", "checkpoint_minutes"):
            expect(getattr(self, name) is None or getattr(self, name) > 0, name, "more than 0", getattr(self, name))
        expect(any((self.epochs, self.updates, self.minutes)), "epochs", "some, or updates, or minutes", self.epochs)
        for name in ("keep_last", "keep_best", "weight_decay"):
            expect(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        expect(not self.weight_decay or self.optimizer == "adamw", "weight_decay", "0 with Adam", self.weight_decay)
        expect(self.ema is None or 0 <= self.ema < 1, "ema", "at least 0 and below 1, or None", self.ema)
        ended = self.schedule in ("inverse_square_root", "plateau") or bool(self.epochs or self.updates)
        expect(ended, "schedule", "one that needs no end, as minutes alone end the training", self.schedule)
        fits = self.accumulate == 1 or self.precision != "float16"
        expect(fits, "accumulate", "1 in float16 (see `training.fit`); take bfloat16", self.accumulate)
        expect(0 <= self.sampling <= 1, "sampling", "0 to 1", self.sampling)
        expect(self.peak > 0, "peak", "more than 0", self.peak)
        expect(self.clip_norm > 0, "clip_norm", "more than 0", self.clip_norm)
        expect(0 <= self.smoothing < 1, "smoothing", "at least 0 and below 1", self.smoothing)
        expect(self.rdrop is None or self.rdrop >= 0, "rdrop", "at least 0 or None", self.rdrop)
        expect(self.patience is None or self.patience >= 0, "patience", "at least 0 or None", self.patience)
        bleu([""], [[""]], tokenize=self.tokenize)  # refuses what it does not know


def _at_least_one(settings: Any, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        expect(value is None or value >= 1, name, "at least 1", value)
