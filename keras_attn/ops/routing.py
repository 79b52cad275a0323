"""Who is asked: the best few of many experts for each token, and their matrices applied to nobody else."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops


def choose(probabilities: Any, active: int) -> tuple[Any, Any]:
    """The best few experts of each token and their weights w_i = p_i / detach(sum over the chosen of p_j).

    The denominator passes no gradient: it would cancel the router's, wholly where one expert is chosen.

    Args:
        probabilities: p, (tokens, experts).
        active: k, how many are chosen.

    Returns:
        Weights (tokens, active) and indices of experts (tokens, active), the best first.

    Source: Zhang et al. 2022, eq. 4-6.
    """
    chosen, index = ops.top_k(probabilities, active)  # (tokens, active)
    return chosen / ops.stop_gradient(ops.sum(chosen, axis=-1, keepdims=True)), index


def balance_loss(probabilities: Any, index: Any, counts: Any = None) -> Any:
    """L_a = E sum_i f_i P_i: 1 if all experts are asked equally, at most E if one is asked for everything.

    f_i is the share of choices that fell on expert i, P_i its share of probability; only P has a gradient.

    Args:
        probabilities: p, (tokens, experts).
        index: the chosen experts, (tokens, active).
        counts: (tokens,) floats, 0 for padding; None = all count.

    Returns:
        ().

    Source: Zhang et al. 2022, eq. 7; Fedus et al. 2021, eq. 4-6.
    """
    experts = probabilities.shape[-1]
    asked = ops.sum(ops.one_hot(index, experts, dtype=probabilities.dtype), axis=1)  # (tokens, experts)
    if counts is not None:
        counts = ops.expand_dims(ops.cast(counts, probabilities.dtype), -1)  # (tokens, 1)
        asked, probabilities = asked * counts, probabilities * counts
    frequency, probability = (_shares(ops.sum(each, axis=0)) for each in (asked, probabilities))  # (experts,)
    return experts * ops.sum(ops.stop_gradient(frequency) * probability)


def _shares(total: Any) -> Any:
    return total / ops.maximum(ops.sum(total), 1e-9)


def z_loss(logits: Any, counts: Any = None) -> Any:
    """L_z = mean over tokens of (log sum_i exp x_i)^2, which keeps the router's logits x small.

    Args:
        logits: x, (tokens, experts).
        counts: as for `balance_loss`.

    Returns:
        ().

    Source: Zhang et al. 2022, eq. 8; Zoph et al. 2022, eq. 5.
    """
    squares = ops.square(ops.logsumexp(logits, axis=-1))  # (tokens,)
    if counts is None:
        return ops.mean(squares)
    counts = ops.cast(counts, squares.dtype)
    return ops.sum(squares * counts) / ops.maximum(ops.sum(counts), 1.0)


class Places(NamedTuple):
    """Where each (token, choice) stands when all are laid out expert by expert, in blocks of one expert each.

        choices of tokens      2 0 | 0 1 | 0 2
        blocks of 2 places     0 0 | 0 . | 1 . | 2 2

    Every block is full but the last of each expert, so few places are empty and none is missing, whatever the
    router does.

    Args:
        place: the place of each choice, (tokens * active,).
        choice: the choice at each place, (blocks * size,); 0 at empty ones.
        expert: whose each block is, (blocks,).
        size: places in a block.
    """

    place: Any
    choice: Any
    expert: Any
    size: Any


def lay_out(index: Any, experts: int) -> Places:
    """Sort choices by expert, with shapes that depend on their number alone (as jit needs).

    Blocks are so small that for every four choices at most one place is empty.

    Args:
        index: the chosen experts, (choices,) integers.
        experts: how many there are.
    """
    count = ops.shape(index)[0]
    size = count // (4 * experts) + 1
    blocks = (count + experts * (size - 1)) // size  # each expert leaves at most size - 1 places empty
    mine = ops.one_hot(index, experts, dtype="int32")  # (choices, experts)
    rank = ops.sum(mine * (ops.cumsum(mine, axis=0) - 1), axis=-1)  # (choices,), how many of its expert came before
    used = (ops.sum(mine, axis=0) + size - 1) // size  # (experts,), blocks
    end = ops.cumsum(used)  # (experts,)
    place = ops.take(end - used, index, axis=0) * size + rank  # (choices,)
    choice = ops.scatter(ops.expand_dims(place, -1), ops.arange(count, dtype="int32"), (blocks * size,))
    after = ops.expand_dims(ops.arange(blocks, dtype="int32"), -1) >= end  # (blocks, experts)
    expert = ops.minimum(ops.sum(ops.cast(after, "int32"), axis=-1), experts - 1)  # (blocks,)
    return Places(place, choice, expert, size)


def apply(rows: Any, kernel: Any, places: Places, active: int = 1) -> Any:
    """y = x W_e for each choice, with the matrix of its expert: multiply-adds grow with the choices, not the experts.

    Args:
        rows: x, (choices, features); or (tokens, features) of which each has `active` choices.
        kernel: W, (experts, features, units).
        places: from `lay_out`.
        active: choices for each row.

    Returns:
        (choices, units).
    """
    experts, features, units = kernel.shape
    blocks = ops.shape(places.expert)[0]
    laid = ops.take(rows, places.choice // active, axis=0)  # (blocks * size, features)
    laid = ops.reshape(laid, (blocks, places.size, features))  # (blocks, size, features)
    # Reshaped, so that TensorFlow gives the whole kernel a dense gradient.
    flat = ops.take(ops.reshape(kernel, (experts, features * units)), places.expert, axis=0)
    out = ops.matmul(laid, ops.reshape(flat, (blocks, features, units)))  # (blocks, size, units)
    return ops.take(ops.reshape(out, (blocks * places.size, units)), places.place, axis=0)  # (choices, units)
