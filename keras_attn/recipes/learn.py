"""From pairs to a trained run: the steps every text recipe takes, in order."""

from __future__ import annotations

import functools
import itertools
import logging
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_attn.data import EncodedPairs, Epochs, as_dataset, batches
from keras_attn.errors import UserError, expect
from keras_attn.models import RNNDecoder, RNNEncoder, TransformerDecoder, TransformerEncoder
from keras_attn.plots import heatmap
from keras_attn.recipes.run import Run
from keras_attn.recipes.run_config import ModelConfig, RunConfig, plain, versions
from keras_attn.recipes.settings import FitSettings, SearchSettings, TextSettings
from keras_attn.text import Tokenizer
from keras_attn.training import Bleu, ExactMatch, fit
from keras_attn.training.callbacks import Board, Checkpoints, EpochLog, Heatmaps, Profile, Samples
from keras_attn.training.replicas import Replicas, is_chief, several
from keras_attn.training.replicas.limits import check_together
from keras_attn.training.replicas.replicas import read_config

logger = logging.getLogger("keras_attn")


def learn(
    recipe: Any,
    name: str,
    pairs: Iterable[tuple[str, str]],
    valid: tuple[Sequence[str], Sequence[Sequence[str]]],
    *,
    text: TextSettings,
    encoder: RNNEncoder | TransformerEncoder,
    decoder: RNNDecoder | TransformerDecoder,
    training: FitSettings,
    search: SearchSettings | None = None,
    max_length: int,
    seed: int,
    output: Path,
    init_from: Path | None = None,
    callbacks: Callable[[Run], Sequence[keras.callbacks.Callback]] | None = None,
) -> Run:
    """Train a tokenizer and a model on `pairs`, and keep what scores best on `valid`.

    A run that was killed goes on from its last checkpoint, with its own tokenizer.

    Args:
        recipe: the dataclass with all fields, kept in the run's config.
        name: the recipe's name.
        pairs: (source, target) strings, re-iterable.
        valid: sources, and a list of references for each.
        text, encoder, decoder, training, search: see there.
        max_length: longest training pair in tokens; longer inputs are cut.
        seed: of the weights, dropout, the order of the batches and the tokenizer.
        output: the run's folder.
        init_from: a run whose tokenizer and weights to start from.
        callbacks: makes further callbacks, given the run.

    Returns:
        The run, with its best weights.

    Raises:
        UserError: the folder holds a finished run, or one that was begun with other settings; there are no pairs;
            `init_from` is another kind of model; workers have different data.
        SystemExit: training is over, and this is a worker that has nothing else to do.
    """
    expect(0 <= seed < 2**32, "seed", "0 to 4294967295", seed)
    covered = search.coverage_penalty if search else 0
    there = decoder.attention is not None or not covered
    expect(there, "coverage_penalty", "0 without attention, of which it is made", covered)
    if keras.backend.backend() == "tensorflow":
        how: dict[str, Any] = {"accumulate": training.accumulate, "jit": training.jit, "precision": training.precision}
        check_together(training.devices * read_config()[0], **how)
    scope = several(training.devices)  # before anything uses the devices
    if not is_chief():  # who alone writes files
        aside = tempfile.TemporaryDirectory(prefix="keras-attn-worker-")
        output = Path(aside.name) / "run"
    begun = Run.was_begun(output)
    keras.utils.set_random_seed(seed)
    start = None if init_from is None or begun else Run.load(init_from)
    if begun:
        tokenizer = Tokenizer.load(output / "tokenizer")
    else:
        tokenizer = start.text if start else _tokenizer(pairs, text, seed)
    model = ModelConfig(
        encoder=encoder,
        decoder=decoder,
        share_embeddings=tokenizer.shared,
        max_source_length=max_length,
        length_factor=_length_factor(pairs, tokenizer),
        precision=training.precision,
        search=search or SearchSettings(),
    )
    if start:
        _check_same(model, start.config.model)
    config = RunConfig(
        recipe=name,
        fields=plain(recipe),
        model=model,
        tokenizer=tokenizer.fingerprint,
        terms=getattr(recipe, "terms", ""),
        versions=versions(),
    )

    # What is wrong with the data shows here, before there is a folder.
    sources, references = list(valid[0][: training.score_limit]), list(valid[1][: training.score_limit])
    flat = [(source, target) for source, targets in zip(sources, references, strict=True) for target in targets]
    shared: dict[str, Any] = {
        "tokens_per_batch": training.tokens_per_batch,
        "max_source_length": max_length,
        "max_target_length": max_length,
    }
    sampling, cache = training.sampling, output.parent
    plan: dict[str, Any] = {"sampling": sampling, "cache": None if sampling else cache}  # drawn pairs are in memory
    epochs = Epochs(pairs, tokenizer, shapes=training.shapes, seed=seed, **shared, **plan)
    validation = batches(flat, tokenizer, shapes=4, shuffle=False, **shared, cache=cache)
    with scope:
        if begun:
            run = Run.reopen(output, config, tokenizer)
        else:
            run = Run.create(output, config, tokenizer, weights=start.weights if start else None)
            run.begin()
    run.keep_samples(sources, references)
    replicas = Replicas.of(run.views.training)
    has = f"tokenizer {tokenizer.fingerprint[:12]}, {epochs.steps} batches of {epochs.target_tokens(0).sum()} tokens"
    replicas.check_same("data", has)

    score: Any
    if training.score == "bleu":
        score = Bleu(run.greedy, sources, references, tokenize=training.tokenize)
    else:
        score = ExactMatch(run.greedy, sources, references)
    board = output / "tensorboard"
    everyone = [Board(board), Samples(run.greedy, sources, references, board, limit=20)]
    if decoder.attention:
        everyone.append(Heatmaps(run.greedy.align, sources[:4], heatmap, board))
    everyone.append(EpochLog(output / "log.csv"))
    if training.profile:
        everyone.append(Profile(board))
    everyone += callbacks(run) if callbacks else []
    logger.info("model: %s weights", f"{run.views.training.count_params():,}")
    fit(
        run.views,
        functools.partial(as_dataset, epochs),
        validation=validation,
        score=score,
        epochs=training.epochs,
        updates=training.updates,
        minutes=training.minutes,
        updates_per_epoch=training.updates_per_epoch,
        accumulate=training.accumulate,
        optimizer=training.optimizer,
        weight_decay=training.weight_decay,
        peak=training.peak,
        warmup=training.warmup,
        schedule=training.schedule,
        smoothing=training.smoothing,
        rdrop=training.rdrop,
        clip_norm=training.clip_norm,
        jit=training.jit,
        ema=training.ema,
        patience=training.patience,
        best=run.weights,
        checkpoints=Checkpoints(
            run.checkpoints,
            every=training.checkpoint_every and training.checkpoint_every * training.accumulate,
            minutes=training.checkpoint_minutes,
            keep_last=training.keep_last,
            keep_best=training.keep_best,
        ),
        callbacks=everyone if replicas.chief else [],
        verbose=(1 if sys.stdout.isatty() else 2) if replicas.chief else 0,
    )
    if not replicas.chief:
        print(f"worker {replicas.worker} of {replicas.workers} is done; the chief has the run")
        raise SystemExit(0)
    return run


def _length_factor(pairs: Iterable[tuple[str, str]], tokenizer: Tokenizer) -> float:
    """How many output tokens a source token may need: what 999 in 1,000 of the first pairs stay below, at least 2."""
    encoded = EncodedPairs.encode(itertools.islice(pairs, 20_000), tokenizer)
    if not len(encoded):
        return 2.0
    ratios = encoded.target_lengths / np.maximum(encoded.source_lengths, 1)
    return max(2.0, math.ceil(float(np.quantile(ratios, 0.999))))


def _check_same(model: ModelConfig, start: ModelConfig) -> None:
    """Weights fit a model of the same sizes only; Keras would leave out what does not fit without a word."""
    for part in ("encoder", "decoder"):
        ours, theirs = asdict(getattr(model, part)), asdict(getattr(start, part))
        for name, value in ours.items():
            same = value == theirs[name] or "dropout" in name
            expect(same, f"{part}.{name}", f"{theirs[name]!r}, as in the run to start from", value)


def _tokenizer(pairs: Iterable[tuple[str, str]], text: TextSettings, seed: int) -> Tokenizer:
    if iter(pairs) is pairs:
        raise UserError("pairs: expected something that can be iterated again and again, got an iterator; make a list")
    return Tokenizer.train(
        pairs,
        vocabulary_size=text.vocabulary_size,
        model=text.model,
        normalization=text.normalization,
        target_normalization=text.target_normalization,
        byte_fallback=text.byte_fallback,
        shared=text.shared,
        seed=seed,
    )
