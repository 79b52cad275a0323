"""Import TensorFlow without its greetings."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def greetings_aside() -> Iterator[None]:
    """Set standard error aside while something imports TensorFlow; show it if that fails.

    TensorFlow 2.21 logs to file descriptor 2 (CPU instructions, missing GPU drivers) before it reads
    TF_CPP_MIN_LOG_LEVEL, so no setting keeps a command's standard error to what the command says. What it
    logs later is left out by that variable, unless it is set already: a failure is raised, not only logged.
    With TF_CPP_MIN_LOG_LEVEL=0 nothing is set aside.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0" or sys.stderr is None:
        yield
        return
    with tempfile.TemporaryFile() as aside:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def import_tensorflow(side_by_side: bool = False) -> None:
    """Import TensorFlow and look for devices, quietly.

    Args:
        side_by_side: whether batches will be asked for from several threads at once. Each operation then has one core:
            those of a decoder's step are so small that handing them over costs more than it gives. On two cores 1,000
            sentences take 0.56 in the place of 0.78 s (2026-11-20). TF_NUM_INTRAOP_THREADS goes before this, and
            nothing is changed where TensorFlow runs already.

    Raises:
        ImportError: TensorFlow is not installed, or cannot be loaded on this machine.
    """
    with greetings_aside():
        import tensorflow as tf

        tf.config.list_physical_devices()
        if side_by_side and "TF_NUM_INTRAOP_THREADS" not in os.environ:
            with contextlib.suppress(RuntimeError):  # it runs already
                tf.config.threading.set_intra_op_parallelism_threads(1)
