"""What Keras cannot do with several replicas under `tf.distribute`."""

from __future__ import annotations

from keras_attn.errors import expect


def check_together(replicas: int, *, accumulate: int = 1, jit: bool = False, precision: str = "float32") -> None:
    """Refuse what would fail late, or silently be something else.

    Args:
        replicas: in all workers together; one can do everything.
        accumulate, jit: see `training.fit`.
        precision: see `training.precision`.

    Raises:
        UserError: it cannot be done.
    """
    if replicas == 1:
        return
    why = f"with {replicas} replicas of tf.distribute"
    wanted = f"1 {why}, as Keras accumulates in one alone; raise tokens_per_batch"
    expect(accumulate == 1, "accumulate", wanted, accumulate)
    wanted = f"False (--training.no-jit) {why}, as XLA compiles no exchange between CPUs"
    expect(not jit, "jit", wanted, jit)
    wanted = f"float32 or bfloat16 {why}, where nothing scales the loss of float16"
    expect(precision != "float16", "precision", wanted, precision)
