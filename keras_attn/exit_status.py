"""What becomes of a command: an exit status, and at most one line that says what to mend."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from keras_attn.errors import UserError

OK, WRONG, INTERRUPTED, CLOSED_PIPE = 0, 2, 130, 141  # the last two as shells count signals


def exit_status(program: str, command: Callable[[], None]) -> int:
    """Run `command` and return its exit status.

    What the user or the machine can mend (`UserError`, `OSError`) is one line on standard error; a closed
    pipe is silent; anything else is a mistake of ours and keeps its traceback.

    Args:
        program: the name that starts the line.
        command: what to run.
    """
    try:
        command()
        print(end="", flush=True)  # here, while a full disk or a closed pipe can still be told
    except SystemExit as stop:  # help was printed
        return int(stop.code or OK)
    except BrokenPipeError:  # the reader has what it wanted (`| head`)
        _abandon_stdout()
        return CLOSED_PIPE
    except KeyboardInterrupt:
        return _fail(program, "interrupted", INTERRUPTED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(program, where + (error.strerror or str(error)), WRONG)
    except UserError as error:
        return _fail(program, str(error), WRONG)
    except Exception as error:
        if not isinstance(error, _tensorflow_file_errors()):
            raise
        return _fail(program, str(error), WRONG)
    return OK


def _tensorflow_file_errors() -> tuple[type[Exception], ...]:
    """TensorFlow's own kinds of "permission denied" and "no space left"; none if it was never loaded."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return ()
    return tensorflow.errors.PermissionDeniedError, tensorflow.errors.ResourceExhaustedError


def _fail(program: str, message: str, status: int) -> int:
    try:
        print(end="", flush=True)  # what was said before the error stands before it
    except OSError:
        _abandon_stdout()
    print(f"{program}: error: {' '.join(message.split())}", file=sys.stderr)
    return status


def _abandon_stdout() -> None:
    """Keep the interpreter's last flush from failing a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
