"""Lines of bytes from a text file, plain or gzip, with nothing of Python's universal newlines."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from keras_attn.errors import UserError

BOM = b"\xef\xbb\xbf"


def read_lines(path: str | os.PathLike) -> Iterator[bytes]:
    """Yield the lines of a file without their ending.

    Only `\\n` (or `\\r\\n`) ends a line: U+2028, `\\x0b` and the like are text. A byte order mark at the start of
    the file is dropped. A name that ends in `.gz` is decompressed.

    Raises:
        UserError: no such file, a folder, not readable, damaged gzip.
    """
    path = Path(path)
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
            for number, line in enumerate(file):
                if number == 0:
                    line = line.removeprefix(BOM)
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    except FileNotFoundError as error:
        raise UserError(f"path: expected a file, but {path} does not exist; check the spelling") from error
    except IsADirectoryError as error:
        raise UserError(f"path: expected a file, but {path} is a folder; name a file in it") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f"path: expected a gzip file as its name ends in .gz, but {path} is none or damaged ({error})"
        ) from error
    except OSError as error:
        raise UserError(f"path: {path} cannot be read ({error.strerror or error})") from error
