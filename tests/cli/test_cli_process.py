"""The process: pipes and full disks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest


def help_into(stdout) -> tuple[int, str]:
    """The status and standard error of `--help`, its output buffered as in a pipe or a file."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "keras_attn", "--help"]
    result = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    return result.returncode, result.stderr


def test_a_closed_pipe_is_silent():
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe:
        assert help_into(pipe) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        assert help_into(full) == (2, f"keras-attn: error: {os.strerror(errno.ENOSPC)}\n")
