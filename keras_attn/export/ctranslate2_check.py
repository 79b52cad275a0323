"""Does CTranslate2 find the same targets as likely as we do?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_attn.export.target_scorer import TargetScore
from keras_attn.text import Tokenizer

CLOSE = 1e-3  # of log p of one token, on both sides in float32; 2e-6 was seen


def score_difference(
    folder: Path, text: Tokenizer, sources: Sequence[str], targets: Sequence[str], ours: Sequence[TargetScore]
) -> float:
    """The largest difference of a token's log p between `TargetScorer` and a folder of `to_ctranslate2`.

    Scores of given targets, since searches may differ by a tie. What was cut to be scored is left out.

    Args:
        folder: of the converted model.
        text: the `Tokenizer`.
        sources, targets: pairs.
        ours: what `TargetScorer` says of them.
    """
    import ctranslate2

    whole = [index for index, score in enumerate(ours) if not score.truncated]
    read, written = (
        [vocabulary.pieces(ids.tolist()) for ids in vocabulary.encode([lines[index] for index in whole])]
        for vocabulary, lines in ((text.source, sources), (text.target, targets))
    )
    theirs = ctranslate2.Translator(str(folder), device="cpu").score_batch(read, written, max_input_length=0)
    pairs = zip((ours[index] for index in whole), theirs, strict=True)
    return max((float(np.abs(our.log_p - their.log_probs).max()) for our, their in pairs), default=0.0)
