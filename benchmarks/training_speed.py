"""How fast is a training step beside the same model of other libraries, and beside its matrix products alone?

    python benchmarks/training_speed.py                          # everything, float32
    python benchmarks/training_speed.py --precision bfloat16
    python benchmarks/training_speed.py --only transformer --rounds 60
    python benchmarks/training_speed.py --only gemm --synthetic  # without a corpus

Multi30k from $KERAS_ATTN_DATA (fetched if it is not there), or a synthetic corpus of such lengths; sizes, vocabulary,
batches, dropout and label smoothing of `transformer-tiny-tok`, here normalized after each residual, or of
`multi30k-gru-tok` for `gru`; Adam at a constant rate, gradients clipped to a norm of 1, perplexity counted. The peers:
the same model made of the layers of Keras; of KerasHub's (`pip install keras-hub==0.32.0`); and `torch.nn.Transformer`,
eager (`torch==2.13.0`, the build for CPUs). The last two are left out where
they are not installed. Dropout is in the same places on all sides.

All sides train in one process, in turn, each round on the same next batch, with as many threads. On Keras a side is
there with XLA and without, and the better one counts. XLA has no gradient for loops of unknown length, so a recurrent
network of Keras alone is there without it; with it stand ours, as `fit(jit=True)` trains them, and in a row of its own
Keras' layers under our callback `StaticShapes`. What comes before, two updates of every shape with all compilation, is
told apart. A rate is real target tokens, ends included and padding not, per second, the median of all rounds; a ratio
is our median over theirs, above 1 where ours is faster, with the quartiles over the rounds.

`gemm`: all matrix products of the step alone, in turn with the step. Their rate counts all positions, since that is
what is multiplied; "useful" are those of real tokens, and pairs of them that attention may see.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import keras
import numpy as np
import peers
import tensorflow as tf
import tyro
from in_turn import in_turn
from products_alone import alone_steps
from recipe_batches import recipe_epochs, shape_of
from rich.console import Console
from rich.table import Table
from speed_tables import rates, shares

from keras_attn.models import seq2seq
from keras_attn.recipes.multi30k_gru_tok import Multi30kGruTok
from keras_attn.recipes.transformer_tiny_tok import TransformerTinyTok
from keras_attn.training import Perplexity, SmoothedCrossEntropy
from keras_attn.training.callbacks import StaticShapes
from keras_attn.training.optimizers import make_optimizer
from keras_attn.training.precision import precision

SMOOTHING = 0.1
STATIC = "keras.layers, StaticShapes"
SPEC = tuple(tf.TensorSpec((None, None), kind) for kind in ("int32", "int32", "int32", "float32"))
Step = Callable[[], list]  # one update on the side's next batch, done when it returns


@dataclass(frozen=True)
class Settings:
    """Args: only: which part; rounds: timed updates; precision: float type; synthetic: no corpus; seed: of all."""

    only: Literal["all", "transformer", "gru", "gemm"] = "all"
    rounds: int = 40
    precision: Literal["float32", "bfloat16"] = "float32"
    synthetic: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Task:
    """A model's sizes and its batches.

    Args:
        warm: one batch of every shape.
        batches: those of the rounds, and two more, as `in_turn` begins with two that it does not count.
    """

    encoder: Any
    decoder: Any
    source_vocabulary: int
    target_vocabulary: int
    shared: bool
    warm: list
    batches: list

    @property
    def tokens(self) -> list[int]:
        """Real target tokens of each counted batch."""
        return [int(weights.sum()) for _, _, weights in self.batches[2:]]

    @property
    def inputs(self) -> list[dict[str, np.ndarray]]:
        """Source and target of each counted batch."""
        return [inputs for inputs, _, _ in self.batches[2:]]


def task(recipe: Any, settings: Settings) -> Task:
    """The recipe's model and the first batches of its training."""
    epochs, *sizes = recipe_epochs(recipe, settings.synthetic, settings.seed)
    print(epochs.plan, flush=True)
    batches = [epochs.batch(*divmod(number, epochs.steps)) for number in range(settings.rounds + 2)]
    first: dict[tuple, Any] = {}
    for batch in epochs.epoch(0):
        first.setdefault(shape_of(batch), batch)
    return Task(recipe.encoder, recipe.decoder, *sizes, recipe.text.shared, list(first.values()), batches)


def dataset(batches: list) -> tf.data.Dataset:
    """Such as `fit` takes: lengths unknown, so that a step is traced once."""
    flat = [(inputs["source"], inputs["target"], *rest) for inputs, *rest in batches]
    whole = tf.data.Dataset.from_generator(lambda: iter(flat), output_signature=SPEC)
    options = tf.data.Options()
    options.autotune.enabled = False
    return whole.map(lambda s, t, *rest: ({"source": s, "target": t}, *rest)).prefetch(2).with_options(options)


def keras_step(model: keras.Model, task: Task, jit: bool) -> Step:
    """A model of Keras as its own `fit` trains it."""
    model.compile(
        make_optimizer("adam", 1e-3, model.trainable_variables, 1.0),
        SmoothedCrossEntropy(SMOOTHING),
        weighted_metrics=[Perplexity()],
        jit_compile=jit,
    )
    if jit and any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers()):
        shapes = StaticShapes()
        shapes.set_model(model)
        shapes.on_train_begin()
    else:
        model.make_train_function()

    def updates(batches: list) -> Step:
        iterator = iter(dataset(batches))

        def step() -> list:
            for value in model.train_function(iterator).values():
                np.asarray(value)
            return []

        return step

    warm = updates(task.warm * 2)
    for _ in range(2 * len(task.warm)):
        warm()
    return updates(task.batches)


def torch_step(task: Task, settings: Settings) -> tuple[Step, int]:
    """PyTorch, with as many threads as TensorFlow; also its number of weights."""
    import torch
    from torch_peer import TorchTransformer, stepper

    torch.manual_seed(settings.seed)
    torch.set_num_threads(int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)) or len(os.sched_getaffinity(0)))
    model = TorchTransformer(task.encoder, task.decoder, task.target_vocabulary)
    update = stepper(model, SMOOTHING, settings.precision == "bfloat16")
    for batch in task.warm * 2:
        update(batch).item()
    batches = iter(task.batches)

    def step() -> list:
        update(next(batches)).item()
        return []

    return step, sum(weight.numel() for weight in model.parameters())


def ours(task: Task) -> keras.Model:
    sizes = task.source_vocabulary, task.target_vocabulary
    return seq2seq(task.encoder, task.decoder, *sizes, share_embeddings=task.shared).training


def makers(task: Task, kind: str) -> dict[str, Callable[[], keras.Model]]:
    """How each side of Keras makes its model."""
    made: dict[str, Callable[[], keras.Model]] = {"ours": lambda: ours(task)}
    if kind == "gru":
        sizes = task.source_vocabulary, task.target_vocabulary
        made["keras.layers"] = lambda: peers.keras_gru(task.encoder, task.decoder, *sizes)
        made[STATIC] = made["keras.layers"]
    if kind == "transformer":
        made["keras.layers"] = lambda: peers.keras_transformer(task.encoder, task.decoder, task.target_vocabulary)
        if importlib.util.find_spec("keras_hub"):
            made["KerasHub"] = lambda: peers.hub_transformer(task.encoder, task.decoder, task.target_vocabulary)
    return made


def ways(name: str, kind: str) -> tuple[bool, ...]:
    """Without XLA and with it, as far as a side can."""
    if kind != "gru" or name == "ours":
        return False, True
    return (name == STATIC,)


def agree(name: str, theirs: int, ours: int, task: Task, kind: str) -> None:
    """Raise unless two sides have as many weights, but for the biases of keys, which ours leave out: they add the
    same number to all scores of a query."""
    encoder, decoder = task.encoder, task.decoder
    biases = 0 if kind == "gru" or name == "ours" else encoder.width * (encoder.layers + 2 * decoder.layers)
    if theirs - biases != ours:
        raise AssertionError(f"{name}: expected {ours:,} weights and {biases:,} biases of keys, got {theirs:,}")


def race(task: Task, kind: str, settings: Settings) -> tuple[dict, dict, dict]:
    """Times of all sides in milliseconds, their weights, and the seconds until they were warm."""
    steps: dict[tuple[str, bool], Step] = {}
    weights: dict[str, int] = {}
    seconds: dict[tuple[str, bool], float] = {}
    with precision(settings.precision):
        for name, make in makers(task, kind).items():
            for jit in ways(name, kind):
                begun, model = time.perf_counter(), make()
                weights[name] = model.count_params()
                agree(name, weights[name], weights["ours"], task, kind)
                steps[name, jit] = keras_step(model, task, jit)
                seconds[name, jit] = time.perf_counter() - begun
                print(f"{name}{', XLA' * jit}: {len(task.warm)} shapes warm in {seconds[name, jit]:.0f} s", flush=True)
        if kind == "transformer" and importlib.util.find_spec("torch"):
            begun = time.perf_counter()
            steps["torch.nn", False], weights["torch.nn"] = torch_step(task, settings)
            agree("torch.nn", weights["torch.nn"], weights["ours"], task, kind)
            seconds["torch.nn", False] = time.perf_counter() - begun
        if kind != "gru":
            steps |= dict(alone_steps(task, ours(task), settings.precision))
    return in_turn({name: (step, []) for name, step in steps.items()}, settings.rounds), weights, seconds


def show(title: str, header: list[str], rows: Iterator[tuple[str, ...]]) -> None:
    table = Table(*header, title=title)
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


def main(settings: Settings) -> None:
    keras.utils.set_random_seed(settings.seed)
    header = ["side", "target tokens/s: plain / XLA", "ours over it", "quartiles", "warm after, s", "weights"]
    if settings.only != "gru":
        kind = "gemm" if settings.only == "gemm" else "transformer"
        recipe = TransformerTinyTok()  # normalized after each residual, as all peers can
        sides = {"encoder": replace(recipe.encoder, norm="post"), "decoder": replace(recipe.decoder, norm="post")}
        work = task(replace(recipe, **sides), settings)
        times, weights, seconds = race(work, kind, settings)
        show(f"Transformer, {settings.precision}", header, rates(times, weights, seconds, work.tokens))
        columns = ["operations of", "alone, GFLOP/s", "in our step", "share", "quartiles"]
        show(
            f"Matrix products, {settings.precision}",
            columns,
            shares(times, ours(work), work.encoder, work.decoder, work.inputs),
        )
    if settings.only in ("all", "gru"):
        work = task(Multi30kGruTok(), settings)
        times, weights, seconds = race(work, "gru", settings)
        show(
            f"GRU with Bahdanau's attention, {settings.precision}", header, rates(times, weights, seconds, work.tokens)
        )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
