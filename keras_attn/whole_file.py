"""A file, or a folder, that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keras_attn.errors import UserError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes the place of `path` when all went well.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "scores.txt"
    >>> with whole_file(path) as temporary:
    ...     _ = temporary.write_text("38.0")
    >>> path.read_text()
    '38.0'

    Args:
        path: the file to write; its folder must be there.

    Raises:
        OSError: the folder is not there, is not writable or is full; `path` is left as it was.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # the caller knows nothing of the temporary name
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)  # mkstemp makes a private file; give it what open() would
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder` to write to; it gets that name when all went well.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "models" / "1"
    >>> with whole_folder(folder) as temporary:
    ...     _ = (temporary / "weights").write_text("0.5")
    >>> [path.name for path in folder.iterdir()]
    ['weights']

    Args:
        folder: the folder to make, those above it as well.

    Raises:
        UserError: it exists already.
    """
    if folder.exists():
        raise UserError(f"folder: expected one that does not exist yet, got {str(folder)!r}; take the next version")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp makes a private one
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
