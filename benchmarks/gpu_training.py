"""Transformers of this package on a GPU with JAX; TensorFlow is not needed, nor a tokenizer.

    python benchmarks/recipe_batches.py multi30k.npz --epochs 10      # where the tokenizer is, and SentencePiece
    KERAS_BACKEND=jax XLA_PYTHON_CLIENT_PREALLOCATE=false PYTHONPATH=. \
        python benchmarks/gpu_training.py --batches multi30k.npz --updates 8000

Needs keras, jax, numpy, lazy_loader, tyro and rich; torch for the comparison, without which it is left out.

On these batches `transformer-tiny-tok` is trained with its recipe's schedule; `--weights` keeps what comes out. Then
Transformer base and big, in turn with `torch.nn.Transformer` of equal sizes under `torch.compile`: the same synthetic
batches without padding, dropout in the same places, smoothed cross-entropy, perplexity, Adam, gradients clipped;
weights in float32, bfloat16 by Keras' mixed precision and by torch's autocast. An update is timed from the end of the
first one of a block to the end of the last. The share is of what one large matrix product in bfloat16 reaches with JAX
in the same run; products of pairs that causality hides are not counted.
"""

from __future__ import annotations

import importlib.util
import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import keras
import numpy as np
import tyro
from gpu_blocks import SMOOTHING, Chosen, Clock, Sizes, our_block, over_and_over, torch_block
from products import Load, attention_operations, dense_operations
from rich.console import Console
from rich.table import Table

from keras_attn.data import SavedBatches
from keras_attn.errors import UserError, expect
from keras_attn.models import TransformerDecoder, TransformerEncoder, Views, seq2seq
from keras_attn.training import fit
from keras_attn.training.precision import precision

DROPOUT = {"tiny": 0.3, "base": 0.1, "big": 0.3}  # Wu et al. 2021; Vaswani et al. 2017, table 3
RECIPE: dict[str, Any] = {"schedule": "linear", "peak": 5e-3, "ema": 0.999}  # of transformer-tiny-tok
WARMUP = 2000  # also


@dataclass(frozen=True)
class Settings:
    """What is run.

    Args:
        batches: a file of `save_batches` to train "tiny" on; None leaves that out.
        weights: where its weights go (`.weights.h5`).
        updates: of that training.
        models: which are compared with PyTorch.
        vocabulary: number of ids.
        rows, length: of a synthetic batch.
        rounds, block: how often each side is timed, over how many updates.
        side: of the square matrices whose product is the measure.
        seed: of weights and batches.
    """

    batches: Path | None = None
    weights: Path | None = None
    updates: int = 2000
    models: tuple[Literal["tiny", "base", "big"], ...] = ("base", "big")
    vocabulary: int = 10_000
    rows: int = 256
    length: int = 64
    rounds: int = 5
    block: int = 21
    side: int = 8192
    seed: int = 1


def have_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def sized(name: str, norm: Literal["pre", "post"] = "post") -> Sizes:
    """Of that name; the recipe's are "pre", PyTorch's as they are compared "post"."""
    more: dict[str, Any] = {"norm": norm, "dropout": DROPOUT[name]}
    return TransformerEncoder.sized(name, **more), TransformerDecoder.sized(name, **more)


def made(sizes: Sizes, vocabulary: int, seed: int) -> Views:
    keras.utils.set_random_seed(seed)
    with precision("bfloat16"):
        return seq2seq(*sizes, vocabulary, vocabulary, share_embeddings=True)


def train(sizes: Sizes, settings: Settings) -> list[dict[str, float]]:
    """Train on a file's batches as the recipe does, and print how it goes; returns what the log said."""
    assert settings.batches is not None
    saved = SavedBatches(settings.batches)
    top = max(int(max(inputs["source"].max(), labels.max())) for inputs, labels, _ in saved.epoch(saved.first_epoch))
    expect(top < settings.vocabulary, "vocabulary", f"more than {top}, an id in the file", settings.vocabulary)
    tokens = [int(weights.sum()) for _, _, weights in itertools.islice(over_and_over(saved), settings.updates)]
    views, clock = made(sizes, settings.vocabulary, settings.seed), Clock(max(1, settings.updates // 20))
    warmup = min(WARMUP, max(1, settings.updates // 4))  # the recipe's, if there is time for it
    fit(
        views,
        Chosen(saved, settings.updates),
        epochs=1,
        warmup=warmup,
        **RECIPE,
        smoothing=SMOOTHING,
        jit=True,
        callbacks=[clock],
        verbose=0,
    )
    rates = []
    for (before, begun, _), (batch, ended, values) in itertools.pairwise(clock.seen):
        rates.append(sum(tokens[before + 1 : batch + 1]) / (ended - begun))
        shown = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
        print(f"update {batch + 1:,}: {shown}; {rates[-1]:,.0f} target tokens/s", flush=True)
    # The first of them hold the compilation of all shapes.
    print(f"tiny: {statistics.median(rates[len(rates) // 2 :]):,.0f} target tokens/s, {len(saved.shapes)} shapes")
    if settings.weights:
        views.training.save_weights(settings.weights)
    return [values for _, _, values in clock.seen]


def synthetic(settings: Settings) -> list:
    """Two batches of random ids without padding."""
    random = np.random.default_rng(settings.seed)
    ids = random.integers(4, settings.vocabulary, (2, 3, settings.rows, settings.length), "int32")
    weights = np.ones((settings.rows, settings.length), "float32")
    return [({"source": source, "target": target}, labels, weights) for source, target, labels in ids]


def compare(name: str, sizes: Sizes, peak: float, settings: Settings) -> Iterator[tuple[str, ...]]:
    """A row for each side: tokens per second, and the share of `peak`, operations per second."""
    batches, views = synthetic(settings), made(sizes, settings.vocabulary, settings.seed)
    sides = {"ours, JAX": our_block(views, batches, settings.block)}
    if have_torch():
        sides["torch.compile"] = torch_block(sizes, settings.vocabulary, batches, settings.block)
    for run in sides.values():
        run()
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(settings.rounds):
        for side, run in sides.items():
            seconds[side].append(run())
    load = Load.real(batches[0][0])
    operations = dense_operations(views.training, load) + attention_operations(*sizes, load)
    tokens, ours = settings.rows * settings.length, statistics.median(seconds["ours, JAX"])
    for side, found in seconds.items():
        median = statistics.median(found)
        spread = f"{tokens / max(found):,.0f} - {tokens / min(found):,.0f}"
        share = f"{operations / median / peak:.0%}"
        yield name, side, f"{tokens / median:,.0f}", spread, f"{1000 * median:.1f}", share, f"{median / ours:.2f}"


def product_rate(side: int, rounds: int = 10) -> float:
    """Operations per second of a product of two square matrices in bfloat16."""
    first, second = (jax.random.normal(jax.random.key(seed), (side, side), jax.numpy.bfloat16) for seed in (0, 1))
    times = 20
    multiply = jax.jit(lambda a, b: a @ b)
    multiply(first, second).block_until_ready()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(times):
            last = multiply(first, second)
        last.block_until_ready()  # the device takes them in order
        found.append((time.perf_counter() - begun) / times)
    return 2 * side**3 / statistics.median(found)


def main(settings: Settings) -> None:
    if keras.backend.backend() != "jax":
        raise UserError(f"KERAS_BACKEND: expected jax, got {keras.backend.backend()}; set it before the command")
    print(f"{jax.devices()[0].device_kind}; JAX {jax.__version__}, Keras {keras.__version__}", flush=True)
    if settings.batches is not None:
        train(sized("tiny", "pre"), settings)
    peak = product_rate(settings.side)
    print(f"a product of {settings.side:,} x {settings.side:,} in bfloat16: {peak / 1e12:.2f} TFLOP/s", flush=True)
    header = ["model", "side", "target tokens/s", "least - most", "ms an update", "share", "ours is faster by"]
    table = Table(*header, title=f"{settings.rows} x {settings.length} tokens a side, bfloat16")
    for name in settings.models:
        for row in compare(name, sized(name), peak, settings):
            print("\t".join(row), flush=True)
            table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
