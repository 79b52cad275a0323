"""What the benchmarks of serving start."""

from __future__ import annotations

import socket
import sys
from pathlib import Path


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def serve_command(folder: Path, port: int) -> list[str]:
    """Start `keras-attn serve` over the versions in a folder, REST only, at a port."""
    command = [sys.executable, "-m", "keras_attn", "serve", "--port=0", f"--rest_api_port={port}"]
    return [*command, f"--model_name={folder.name}", f"--model_base_path={folder.resolve()}"]
