"""A run folder: everything that is needed to use a trained model again, without the script that made it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_attn.alignment import Look
from keras_attn.decoding import Shortlist
from keras_attn.errors import UserError, expect
from keras_attn.export import Alignment, AttentionReader, Output, TargetScorer, TextToText
from keras_attn.models import TransformerDecoder, TransformerEncoder, Views, seq2seq
from keras_attn.recipes.run_config import RunConfig
from keras_attn.recipes.run_export import export_saved_model
from keras_attn.text import Tokenizer
from keras_attn.training.precision import precision
from keras_attn.whole_file import whole_file

SHORTLIST = "shortlist.npz"


class Run:
    """A trained model in its folder.

        config.json   recipe, fields, model, versions       tokenizer/   SentencePiece models
        best.weights.h5                                     tensorboard/ event files
        log.csv       a line per epoch                      samples.json a few validation sentences
        shortlist.npz what `keras-attn shortlist` learned
        report.json   scores on the test pairs              checkpoints/ what a killed training goes on from
        training      there while it is trained             finished     there when nothing is left to do

    Args:
        folder: where it lives.
        config: `RunConfig`.
        text: its tokenizer.
        shortlist: of words to score, if not all.
    """

    def __init__(
        self, folder: str | os.PathLike[str], config: RunConfig, text: Tokenizer, shortlist: Shortlist | None = None
    ):
        self.folder, self.config, self.text = Path(folder), config, text
        model = config.model
        with precision(model.precision):
            self.views: Views = seq2seq(
                model.encoder,
                model.decoder,
                source_vocabulary=text.source.size,
                target_vocabulary=text.target.size,
                share_embeddings=model.share_embeddings,
            )
        limits: dict[str, Any] = {"max_source_length": model.max_source_length, "length_factor": model.length_factor}
        limits["look"] = model.look
        self.shortlist = shortlist
        self.module = TextToText(self.views, text, model.search.make(), shortlist=shortlist, **limits)
        plain = model.search.beam == 1 and shortlist is None
        self.greedy = self.module if plain else TextToText(self.views, text, **limits)
        longest = int(model.length_factor * model.max_source_length) + self.greedy.length_extra  # that can be written
        limits = {"max_source_length": model.max_source_length, "max_target_length": longest}
        self.score = TargetScorer(self.views, text, **limits)
        self.attention = AttentionReader(self.views, text, **limits)

    @property
    def weights(self) -> Path:
        return self.folder / "best.weights.h5"

    @property
    def shortlist_file(self) -> Path:
        return self.folder / SHORTLIST

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @classmethod
    def create(
        cls, folder: str | os.PathLike[str], config: RunConfig, text: Tokenizer, weights: Path | None = None
    ) -> Run:
        """Write a new folder's config and tokenizer.

        Args:
            folder, config, text: see the class.
            weights: a file of weights to start from.

        Raises:
            UserError: the folder holds a run already, the weights are of another model, or it has fewer learned places
                than inputs may have tokens; nothing was written then.
        """
        folder = Path(folder)
        cls.check_free(folder)
        run = cls(folder, config, text)  # a model that cannot be built, or start from these weights, leaves no folder
        run._check_places()
        if weights is not None:
            run.load_weights(weights)
        folder.mkdir(parents=True, exist_ok=True)
        text.save(folder / "tokenizer")
        config.save(folder / "config.json")
        return run

    def _check_places(self) -> None:
        """Refuse fewer learned places than inputs may have tokens: in a graph no layer can tell."""
        encoder, decoder, (source, target) = self.config.model.encoder, self.config.model.decoder, self.score.limits
        learned = []
        if isinstance(encoder, TransformerEncoder) and encoder.position == "learned":
            learned.append(("encoder.places", encoder.places, source))
        if isinstance(decoder, TransformerDecoder) and decoder.position == "learned":
            learned.append(("decoder.places", decoder.places, target))
        if decoder.attention == "location":
            learned.append(("decoder.max_source_length", decoder.max_source_length, source))
        for name, places, most in learned:
            expect(places > most, name, f"more than {most}, or a smaller data.max_length", places)

    @classmethod
    def reopen(cls, folder: str | os.PathLike[str], config: RunConfig, text: Tokenizer) -> Run:
        """Open the folder of a run that was begun, to go on with it.

        Raises:
            UserError: it was begun with another config.
        """
        folder = Path(folder)
        config.check_goes_on(RunConfig.load(folder / "config.json"), folder)
        return cls(folder, config, text)

    @staticmethod
    def was_begun(folder: Path) -> bool:
        """Say early, before minutes are spent on the text, whether a folder holds a run that was killed.

        What died before its first checkpoint is begun again.

        Raises:
            UserError: the folder holds a run that is finished.
        """
        begun = any((folder / "checkpoints").glob("[0-9]*.npz"))
        begin_again = (folder / "training").exists()
        if (folder / "finished").exists() or not (begun or begin_again or not (folder / "best.weights.h5").exists()):
            raise UserError(f"output: {str(folder)!r} holds a run already; take another folder or delete it")
        return begun

    @classmethod
    def check_free(cls, folder: Path) -> None:
        """Raise if the folder holds a run, finished or not.

        Raises:
            UserError: it does.
        """
        if cls.was_begun(folder):
            raise UserError(f"output: {str(folder)!r} holds a run that was begun; take another folder or delete it")

    def begin(self) -> None:
        """Mark the run as one in training: should it die before its first checkpoint, it may be begun again."""
        (self.folder / "training").touch()

    def finish(self) -> None:
        """Mark the run as one that has nothing left to do."""
        (self.folder / "finished").touch()
        (self.folder / "training").unlink(missing_ok=True)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], search: dict[str, Any] | None = None, *, shortlist: bool = False
    ) -> Run:
        """Rebuild a run and load its best weights.

        Args:
            folder: where it lives.
            search: fields of `SearchSettings` to change, see its `changed`.
            shortlist: whether to score the words of the run's shortlist alone.

        Raises:
            UserError: no run is there, or a file of it is missing, cut short or does not fit the others.
        """
        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise UserError(
                f"run: expected the folder of a run (with config.json) or of an exported model, got {str(folder)!r}"
            )
        config = RunConfig.load(folder / "config.json")
        config.model.search = config.model.search.changed(**(search or {}))
        text = Tokenizer.load(folder / "tokenizer")
        if text.fingerprint != config.tokenizer:
            raise UserError(
                f"{folder / 'tokenizer'}: not the tokenizer this run was trained with; restore it or train again"
            )
        run = cls(folder, config, text, Shortlist.load(folder / SHORTLIST) if shortlist else None)
        run.load_weights(run.weights)
        return run

    def load_weights(self, path: Path) -> None:
        """Load weights saved by a run of the same model.

        Raises:
            UserError: the file is missing, cut short, or of another model.
        """
        if not path.is_file():
            raise UserError(f"{path}: no weights yet; has the run finished its first epoch?")
        try:
            self.views.training.load_weights(path)
        except (ValueError, OSError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise UserError(f"{path}: cannot be loaded into this run's model ({reason})") from error

    @property
    def translate(self) -> TextToText:
        return self.module

    def align(self, lines: Sequence[str]) -> list[Alignment]:
        """See `TextToText.align`."""
        return self.module.align(lines)

    def decode(self, lines: Sequence[str]) -> Output:
        """See `TextToText.__call__`."""
        return self.module(lines)

    def export(self, folder: str | os.PathLike[str], lines: Sequence[str] | None = None, n_best: int = 5) -> Path:
        """See `run_export.export_saved_model`."""
        return export_saved_model(self, folder, lines, n_best)

    def samples(self) -> tuple[list[str], list[list[str]]]:
        """The validation sentences kept in the folder, and their references."""
        try:
            rows = json.loads((self.folder / "samples.json").read_bytes())
        except (OSError, ValueError) as error:
            raise UserError(f"{self.folder / 'samples.json'}: cannot be read ({error})") from error
        return [row["source"] for row in rows], [row["references"] for row in rows]

    def keep_look(self, look: Look) -> None:
        """From the next loading on, read alignments there: what `alignment.choose_look` has found."""
        config = RunConfig.load(self.folder / "config.json")  # without what was changed for this run alone
        config.model.look = look
        config.save(self.folder / "config.json")

    def keep_report(self, report: dict[str, Any]) -> None:
        """Keep the final scores in the folder, as report.json."""
        with whole_file(self.folder / "report.json") as path:
            path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def keep_samples(self, sources: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        """Keep these sentences in the folder."""
        rows = [{"source": s, "references": list(r)} for s, r in zip(sources, references, strict=True)]
        with whole_file(self.folder / "samples.json") as path:
            path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
