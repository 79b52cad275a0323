"""`torch.nn.Transformer` with the sizes of a Transformer of this package, and its training step. For benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn


class TorchTransformer(nn.Module):
    """Post-norm, one table of embeddings, sine positions; dropout of embeddings and residuals.

    PyTorch also drops attention weights and the hidden layer of feed-forward networks. The other sides do not, so that
    is taken out, which makes PyTorch faster.

    Args:
        encoder, decoder: `TransformerEncoder` and `TransformerDecoder`, normalized "post".
        vocabulary: of both sides.
        longest: positions at most.
    """

    def __init__(self, encoder: Any, decoder: Any, vocabulary: int, longest: int = 256):
        super().__init__()
        width = encoder.width
        self.embed = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embed.weight, std=width**-0.5)
        angle = np.arange(longest)[:, None] / 10000.0 ** (np.arange(0, width, 2) / width)
        table = np.stack([np.sin(angle), np.cos(angle)], -1).reshape(longest, width)
        self.register_buffer("waves", torch.from_numpy(table.astype("float32")))
        self.drop = nn.Dropout(encoder.dropout)
        counts = (encoder.heads, encoder.layers, decoder.layers, encoder.feed_forward, encoder.dropout)
        self.transformer = nn.Transformer(width, *counts, layer_norm_eps=1e-6, batch_first=True)
        self.transformer.encoder.norm = self.transformer.decoder.norm = None
        for module in self.transformer.modules():
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = 0.0
            if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
                module.dropout = nn.Identity()
        self.scale = math.sqrt(width)

    def enter(self, ids: torch.Tensor) -> torch.Tensor:
        return self.drop(self.embed(ids) * self.scale + self.waves[: ids.shape[1]])

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        blind = source == 0
        length = target.shape[1]
        ahead = torch.ones(length, length, dtype=torch.bool, device=target.device).triu(1)
        said = self.transformer(
            self.enter(source),
            self.enter(target),
            tgt_mask=ahead,
            src_key_padding_mask=blind,
            memory_key_padding_mask=blind,
            tgt_is_causal=True,
        )
        return nn.functional.linear(said, self.embed.weight)  # (batch, target_length, vocabulary)


def stepper(
    model: nn.Module, smoothing: float, bfloat16: bool, device: str = "cpu", compiled: bool = False
) -> Callable[[tuple], torch.Tensor]:
    """Return one update as a function of a batch: its loss, a tensor on the device.

    Smoothed cross-entropy, perplexity beside it, a norm of the gradient of at most 1, Adam. Loss and perplexity share
    one log-softmax.

    Args:
        model: source, target -> logits.
        smoothing: of labels.
        bfloat16: under autocast, with weights in float32.
        device: "cpu" or "cuda".
        compiled: by `torch.compile`.
    """
    model = model.to(device).train()
    weights = list(model.parameters())
    optimizer = torch.optim.Adam(weights, 1e-3, betas=(0.9, 0.98), eps=1e-9, fused=True)
    total, count = torch.zeros((), device=device), torch.zeros((), device=device)

    def loss_of(source: Any, target: Any, labels: Any, real: Any) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            logits = model(source, target)
        log_p = torch.log_softmax(logits.float(), -1)
        unlikely = -log_p.gather(-1, labels[..., None])[..., 0]  # (batch, target_length)
        smoothed = (1 - smoothing) * unlikely - smoothing * log_p.mean(-1)
        return (smoothed * real).sum() / real.sum(), (unlikely.detach() * real).sum()

    run = torch.compile(loss_of) if compiled else loss_of

    def step(batch: tuple) -> torch.Tensor:
        inputs, labels, real = batch
        arrays = (inputs["source"], inputs["target"], labels.astype("int64"), real)
        tensors = [torch.from_numpy(array).to(device, non_blocking=True) for array in arrays]
        loss, unlikely = run(*tensors)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        total.add_(unlikely)
        count.add_(tensors[3].sum())
        return loss.detach()

    return step
