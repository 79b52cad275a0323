"""`keras-attn shortlist`."""

from __future__ import annotations

import sys
from pathlib import Path

from keras_attn.errors import expect


def shortlist(run: Path, /, *, source: Path, target: Path, each: int = 50, frequent: int = 500) -> None:
    """Learn from pairs which words of the target each word of the source calls for, and keep that list in the run.

    `decode --shortlist` and `export --shortlist` then score those words alone, which is faster where the vocabulary is
    large, and finds something else where a word would be needed that no source word calls for.

    keras-attn shortlist runs/en-de --source train.en --target train.de

    Args:
        run: folder of a trained run.
        source: sentences that it was trained on, one a line.
        target: their outputs, one a line, in the order of the source.
        each: how many target words a source word calls for.
        frequent: how many of the most frequent target words every source may use.
    """
    for name, value in (("--each", each), ("--frequent", frequent)):
        expect(value >= 1, name, "at least 1", value)
    import numpy as np

    from keras_attn.alignment import learn_lexicon
    from keras_attn.data import read_pairs
    from keras_attn.decoding import Shortlist
    from keras_attn.opened_model import open_run

    trained = open_run(run)
    pairs = list(read_pairs(source, target, max_characters=sys.maxsize))
    expect(bool(pairs), "--source", "at least one line", str(source))
    texts = zip(*pairs, strict=True)
    sides = [side.encode(lines) for side, lines in zip((trained.text.source, trained.text.target), texts, strict=True)]
    often = np.argsort(-np.bincount(np.concatenate(sides[1])), kind="stable")[:frequent]
    lexicon, size = learn_lexicon(*sides), trained.text.source.size
    Shortlist.of(lexicon, often.tolist(), size, each=each).save(trained.shortlist_file)
    print(trained.shortlist_file)
