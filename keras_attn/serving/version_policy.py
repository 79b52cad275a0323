"""Which of the versions on disk are to be served."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MOST = 2**63


def versions_on_disk(base: Path) -> dict[int, Path]:
    """The folders under a model's base path whose names are whole numbers.

    Anything else is not a version, such as one that is being written under another name.

    Raises:
        OSError: the base path cannot be read.
    """
    found = (path for path in sorted(base.iterdir()) if path.name.isascii() and path.name.isdigit() and path.is_dir())
    return {int(path.name): path for path in found if int(path.name) < _MOST}


def wanted(policy: Any, on_disk: Iterable[int]) -> set[int]:
    """The versions that a policy asks for: the latest (one, unless it says how many), all, or named ones.

    Args:
        policy: a `ServableVersionPolicy` of TensorFlow Serving's configuration.
        on_disk: the versions there are.
    """
    ordered = sorted(on_disk, reverse=True)
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return set(ordered)
    if choice == "specific":
        return set(ordered) & set(policy.specific.versions)
    return set(ordered[: max(1, policy.latest.num_versions)])


def fingerprint(version: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when the files of a version do: a broken version is tried again when it has become another."""
    files = sorted(path for path in version.rglob("*") if path.is_file())
    return tuple((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files)
