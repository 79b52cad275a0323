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


def import_tensorflow() -> None:
    """Import TensorFlow and look for devices, quietly.

    Raises:
        ImportError: TensorFlow is not installed, or cannot be loaded on this machine.
    """
    with greetings_aside():
        import tensorflow as tf

        tf.config.list_physical_devices()
