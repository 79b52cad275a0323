"""What can be mended is one line and status 2; what is our mistake keeps its traceback."""

from __future__ import annotations

import errno
import os

import pytest

from keras_attn.errors import UserError
from keras_attn.exit_status import exit_status


def fail_with(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("units: expected a number,\n  got 'x'"), 2, "units: expected a number, got 'x'"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.tsv"), 2, "a.tsv: No such file"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 2, os.strerror(errno.ENOSPC)),
        (OSError("Unable to create file"), 2, "Unable to create file"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_error_is_one_line(error, status, line, capsys):
    assert exit_status("shout", fail_with(error)) == status
    assert capsys.readouterr() == ("", f"shout: error: {line}\n")


@pytest.mark.parametrize("name", ["PermissionDeniedError", "ResourceExhaustedError"])
def test_the_same_from_tensorflow_is_one_line(name, capsys):
    errors = pytest.importorskip("tensorflow").errors
    error = getattr(errors, name)(None, None, "saved_models/1; Permission denied")
    assert exit_status("shout", fail_with(error)) == 2
    assert capsys.readouterr().err == "shout: error: saved_models/1; Permission denied\n"


@pytest.mark.parametrize("error", [ValueError("ours"), ZeroDivisionError("ours")])
def test_our_own_mistake_keeps_its_traceback(error):
    with pytest.raises(type(error), match="ours"):
        exit_status("shout", fail_with(error))


def test_what_was_printed_before_the_error_stays(capsys):
    def command():
        print("half way")
        raise UserError("then this")

    assert exit_status("shout", command) == 2
    assert capsys.readouterr() == ("half way\n", "shout: error: then this\n")


def test_success_is_zero(capsys):
    assert exit_status("shout", lambda: print("done")) == 0
    assert capsys.readouterr() == ("done\n", "")
