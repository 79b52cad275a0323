"""`keras-attn board`."""

from __future__ import annotations

import contextlib
from pathlib import Path

from keras_attn.errors import UserError
from keras_attn.quiet import import_tensorflow


def board(folder: Path, /, *, port: int = 6006) -> None:
    """Open TensorBoard on a folder of runs and serve it until it is interrupted.

    keras-attn board runs
    keras-attn board runs/dates --port 7007

    Args:
        folder: folder of one run, or of several to compare.
        port: port of this machine to serve on.
    """
    if not folder.is_dir():
        raise UserError(f"folder: expected the folder of a run, got {str(folder)!r}, which is none")
    from threading import Event

    import_tensorflow()  # TensorBoard would, with greetings
    from tensorboard.program import TensorBoard, TensorBoardServerException

    server = TensorBoard()
    server.configure(logdir=str(folder), port=port, load_fast="false")
    try:
        address = server.launch()
    except TensorBoardServerException as error:
        raise UserError(f"--port: {error.msg}") from error
    print(f"TensorBoard of {folder}: {address} (Ctrl-C stops it)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        Event().wait()
