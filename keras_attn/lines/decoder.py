"""Lines of bytes in, lines of text out for each: what keeps a pipe going whatever comes through it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from keras_attn.budget import by_length, side_by_side
from keras_attn.lines.odd import EMPTY, FAILED, LONGEST_LINE, TOO_LONG, OddLines
from keras_attn.lines.writing import Decoded, Fields

logger = logging.getLogger(__name__)

BYTES_PER_TOKEN = 4  # about what subwords have, in letters as well as in ideographs


class LineDecoder:
    """Decode windows of lines in order; a bad line gives an empty or a best-effort one, and is counted.

    Inside of a window lines are sorted by length, decoded in batches, several of them at a time, and put back in order.
    Where the model fails on a batch, the lines to blame are found by halving it; they give empty lines, as bad ones do.
    A model that fails on each of several lines, and has not done one yet, is broken, and its error is raised.

    Args:
        decode: list of sentences -> a `Decoded` for each; called from several threads at once.
        write: `Decoded` -> lines, as many for each.
        batch_size: most sentences decoded at once.
        tokens_per_batch: most tokens decoded at once, padding counted.
        lengths: list of sentences -> how many tokens the model reads of each; if None, a token has 4 bytes.
    """

    def __init__(
        self,
        decode: Callable[[list[str]], list[Decoded]],
        write: Callable[[Decoded], list[str]] = Fields(),  # noqa: B008  frozen, so all may share it
        *,
        batch_size: int = 128,
        tokens_per_batch: int = 4096,
        lengths: Callable[[list[str]], list[int]] | None = None,
    ) -> None:
        self._decode, self._write, self._tokens = decode, write, lengths or _by_bytes
        self._limits = {"tokens": tokens_per_batch, "most": batch_size}
        self.odd = OddLines()
        self._works = False  # whether the model has done a line

    def __call__(self, lines: Sequence[bytes]) -> list[str]:
        """Decode one window.

        Raises:
            Exception: the model's, if it is broken.
        """
        sentences = [self.odd.read(line) for line in lines]
        full = [index for index, sentence in enumerate(sentences) if sentence.strip()]
        for _ in range(len(lines) - len(full)):
            self.odd.count(EMPTY)
        decoded = [Decoded()] * len(lines)
        lengths = [1 + tokens for tokens in self._tokens([sentences[index] for index in full])]
        batches = [[full[place] for place in batch] for batch in by_length(lengths, **self._limits)]
        answers = side_by_side(lambda batch: self._around([sentences[index] for index in batch]), batches)
        found = [
            pair for batch, answer in zip(batches, answers, strict=True) for pair in zip(batch, answer, strict=True)
        ]
        errors = [one for _, one in found if isinstance(one, Exception)]
        self._works = self._works or len(errors) < len(found)
        if len(errors) > 1 and not self._works:
            raise errors[0]
        for error in errors:
            logger.warning("a line that the model failed on is left empty: %s", error)
            self.odd.count(FAILED)
        for index, one in found:
            if not isinstance(one, Exception):
                decoded[index] = one
                if one.truncated and len(lines[index]) <= LONGEST_LINE:
                    self.odd.count(TOO_LONG)
        return [line for one in decoded for line in self._write(one)]

    def _around(self, sentences: list[str]) -> list[Decoded | Exception]:
        """Decode a batch, with the error in the place of each sentence that the model fails on."""
        try:
            return [*self._decode(sentences)]
        except Exception as error:  # whatever a model raises, other lines are not to blame
            if len(sentences) == 1:
                return [error]
            middle = len(sentences) // 2
            return [*self._around(sentences[:middle]), *self._around(sentences[middle:])]

    @property
    def report(self) -> str:
        """What was wrong with how many lines; empty if nothing was."""
        return self.odd.report


def _by_bytes(sentences: list[str]) -> list[int]:
    return [len(sentence.encode()) // BYTES_PER_TOKEN for sentence in sentences]
