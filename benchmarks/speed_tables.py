"""From times in turn to rates, ratios and shares, for `training_speed.py`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from products import Load, attention_operations, dense_operations

Times = Mapping[tuple[str, bool], list[float]]  # milliseconds by (side, with XLA)


def best(times: Times, name: str) -> tuple[bool, list[float]]:
    """With XLA or without, whichever has the lower median, and its times."""
    found = {jit: milliseconds for (side, jit), milliseconds in times.items() if side == name}
    jit = min(found, key=lambda jit: statistics.median(found[jit]))
    return jit, found[jit]


def rate(tokens: list[int], milliseconds: list[float]) -> float:
    """The median of tokens per second."""
    return statistics.median(1000 * count / time for count, time in zip(tokens, milliseconds, strict=True))


def rates(times: Times, weights: dict[str, int], seconds: dict, tokens: list[int]) -> Iterator[tuple[str, ...]]:
    """A row for each side that trains.

    Args:
        times: of all sides.
        weights: number of weights of each.
        seconds: until they were warm, by (side, with XLA).
        tokens: real target tokens of each round.
    """
    _, reference = best(times, "ours")
    for name, count in weights.items():
        shown, warm = [], []
        for jit in (False, True):
            found = times.get((name, jit))
            shown.append(f"{rate(tokens, found):,.0f}" if found else "-")
            warm.append(f"{seconds[name, jit]:.0f}" if found else "-")
        _, fastest = best(times, name)
        low, _, high = statistics.quantiles([t / o for t, o in zip(fastest, reference, strict=True)], n=4)
        ratio = rate(tokens, reference) / rate(tokens, fastest)
        spread = "" if name == "ours" else f"{low:.2f} - {high:.2f}"
        yield name, " / ".join(shown), f"{ratio:.2f}", spread, " / ".join(warm), f"{count:,}"


def shares(times: Times, model: Any, encoder: Any, decoder: Any, inputs: list[dict]) -> Iterator[tuple[str, ...]]:
    """Rows of what share of the products' own rate the step reaches.

    Args:
        times: of "ours", "weights' products" and "all products".
        model, encoder, decoder: the Transformer and its sizes.
        inputs: the batch of each round.
    """
    _, steps = best(times, "ours")
    for name, attention in (("weights' products", False), ("all products", True)):
        jit, alone = best(times, name)
        found: dict[str, list[float]] = {"alone": [], "all positions": [], "useful": []}
        for batch, step, product in zip(inputs, steps, alone, strict=True):
            count = {}
            for kind, load in (("all positions", Load.padded(batch)), ("useful", Load.real(batch))):
                count[kind] = dense_operations(model, load)
                count[kind] += attention_operations(encoder, decoder, load) if attention else 0
                found[kind].append(count[kind] / step / 1e6)
            found["alone"].append(count["all positions"] / product / 1e6)
        alone_rate = f"{statistics.median(found['alone']):.0f}{' (XLA)' * jit}"
        for kind in ("all positions", "useful"):
            ratio = [inside / outside for inside, outside in zip(found[kind], found["alone"], strict=True)]
            low, middle, high = statistics.quantiles(ratio, n=4)
            inside_rate = f"{statistics.median(found[kind]):.0f}"
            yield f"{name}, {kind}", alone_rate, inside_rate, f"{middle:.0%}", f"{low:.0%} - {high:.0%}"
