"""Lines of bytes from a text file, plain or gzip, without Python's universal newlines."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from keras_attn.errors import UserError

UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
GZIP_MARK = b"\x1f\x8b"


def read_lines(path: str | os.PathLike) -> Iterator[bytes]:
    r"""Yield the lines of a file without their ending.

    Only `\n` (or `\r\n`) ends a line: U+2028, `\x0b` and the like are text. A byte order mark at the start
    of the file is dropped. A gzip file is decompressed, whatever its name.

    Raises:
        UserError: no such file, not a regular file, not readable, damaged gzip, UTF-16.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise UserError(f"path: expected a file, but {path} does not exist; check the spelling")
        if path.is_dir():
            raise UserError(f"path: expected a file, but {path} is a folder; name a file in it")
        if not path.is_file():  # a pipe would be empty at the second pass
            raise UserError(f"path: expected a regular file, but {path} is none; write it to a file first")
        with open(path, "rb") as file:
            compressed = path.suffix == ".gz" or file.read(2) == GZIP_MARK
        with gzip.open(path, "rb") if compressed else open(path, "rb") as file:
            for number, line in enumerate(file):
                if number == 0:
                    if line.startswith(UTF16_MARKS):
                        raise UserError(f"path: expected UTF-8, but {path} is UTF-16; convert it, say with iconv")
                    line = line.removeprefix(UTF8_MARK)
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"path: expected a whole gzip file, but {path} is none or damaged ({error})") from error
    except OSError as error:
        raise UserError(f"path: {path} cannot be read ({error.strerror or error})") from error


def count_lines(path: str | os.PathLike) -> int:
    """Return how many lines `read_lines` yields."""
    return sum(1 for _ in read_lines(path))
