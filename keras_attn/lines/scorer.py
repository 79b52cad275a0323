"""Two files of lines in, a score for each pair of lines out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_attn.data.lines import count_lines, read_lines
from keras_attn.errors import expect
from keras_attn.lines.odd import EMPTY, LONGEST_LINE, TOO_LONG, OddLines
from keras_attn.lines.reader import WINDOW


def score_files(
    score: Callable[[list[str], list[str]], list[Any]],
    source: Path,
    target: Path,
    tokens: bool,
    say: Callable[[str], None],
) -> str:
    """Score each line of `target` given that of `source`, in bounded memory.

    Args:
        score: sources, targets -> an `export.TargetScore` for each.
        source, target: files of as many lines.
        tokens: whether to add a tab and token:log p of each token.
        say: is given a line for each pair, in order.

    Returns:
        What was odd about how many lines; empty if nothing was.

    Raises:
        UserError: a file cannot be read, or they have not as many lines.
    """
    count = count_lines(source)
    expect(count_lines(target) == count, "--target", f"{count:,} lines, as many as {source}", count_lines(target))
    odd = OddLines()
    pairs = zip(read_lines(source), read_lines(target), strict=True)
    while window := list(itertools.islice(pairs, WINDOW)):
        sources, targets = ([odd.read(line) for line in side] for side in zip(*window, strict=True))
        cut = [max(map(len, pair)) > LONGEST_LINE for pair in window]  # and counted already
        for text in (*sources, *targets):
            if not text.strip():
                odd.count(EMPTY)
        for found, known in zip(score(sources, targets), cut, strict=True):
            if found.truncated and not known:
                odd.count(TOO_LONG)
            each = zip(found.tokens, found.log_p, strict=True)
            more = "\t" + " ".join(f"{token}:{log_p:.4f}" for token, log_p in each) if tokens else ""
            say(f"{found.total:.4f}{more}")
    return odd.report
