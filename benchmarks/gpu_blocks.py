"""Blocks of updates whose time is taken, of this package on JAX and of PyTorch, for `gpu_training.py`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_attn.data import SavedBatches
from keras_attn.models import TransformerDecoder, TransformerEncoder, Views
from keras_attn.training import Perplexity, SmoothedCrossEntropy
from keras_attn.training.optimizers import make_optimizer

SMOOTHING = 0.1
Sizes = tuple[TransformerEncoder, TransformerDecoder]
Block = Callable[[], float]  # trains for a block of updates; seconds for one of them


class Chosen(keras.utils.PyDataset):
    """The first `count` batches for `fit`, of a list or a file's epochs over and over."""

    def __init__(self, batches: list | SavedBatches, count: int):
        super().__init__()
        self.batches, self.count = batches, count
        self.next = -1

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.batches, list):
            return self.batches[index % len(self.batches)]
        if index != self.next:  # Keras looks at a batch before it begins
            self.rest = over_and_over(self.batches, index)
        self.next = index + 1
        return next(self.rest)


def over_and_over(saved: SavedBatches, first: int = 0) -> Iterator[Any]:
    """A file's epochs again and again, from a batch on."""
    epoch, batch = divmod(first, saved.steps)
    for number in itertools.count(epoch):
        yield from saved.epoch(saved.first_epoch + number % saved.count, batch)
        batch = 0


class Clock(keras.callbacks.Callback):
    """Notes when the first update was done, and then every `every` updates, with the loss and perplexity by then."""

    def __init__(self, every: int):
        super().__init__()
        self.every = every
        self.seen: list[tuple[int, float, dict[str, float]]] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if batch % self.every == 0:
            values = {name: float(value) for name, value in (logs or {}).items()}  # waits for the device
            self.seen.append((batch, time.perf_counter(), values))


def our_block(views: Views, batches: list, count: int) -> Block:
    model = views.training
    model.compile(
        make_optimizer("adam", 1e-3, model.trainable_variables, 1.0),
        SmoothedCrossEntropy(SMOOTHING),
        weighted_metrics=[Perplexity()],
        jit_compile=True,
    )

    def run() -> float:
        clock = Clock(count - 1)
        model.fit(Chosen(batches, count), callbacks=[clock], shuffle=False, verbose=0)
        return (clock.seen[-1][1] - clock.seen[0][1]) / (count - 1)

    return run


def torch_block(sizes: Sizes, vocabulary: int, batches: list, count: int) -> Block:
    import torch
    from torch_peer import TorchTransformer, stepper

    model = TorchTransformer(*sizes, vocabulary)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    update = stepper(model, SMOOTHING, bfloat16=True, device=device, compiled=True)
    chosen = itertools.cycle(batches)

    def run() -> float:
        update(next(chosen)).item()
        begun = time.perf_counter()
        for _ in range(count - 1):
            loss = update(next(chosen))
        loss.item()
        return (time.perf_counter() - begun) / (count - 1)

    return run
