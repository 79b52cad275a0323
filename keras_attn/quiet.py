"""Import TensorFlow without its greetings."""

from __future__ import annotations

import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow and look for devices with standard error set aside.

    TensorFlow 2.21 logs to file descriptor 2 (CPU instructions, missing GPU drivers) before it reads
    TF_CPP_MIN_LOG_LEVEL, so no setting keeps a command's standard error to what the command says. If the
    import fails, what was set aside is shown. With TF_CPP_MIN_LOG_LEVEL=0 nothing is set aside.

    Raises:
        ImportError: TensorFlow is not installed, or cannot be loaded on this machine.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "0" or "tensorflow" in sys.modules:
        return
    with tempfile.TemporaryFile() as aside:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
