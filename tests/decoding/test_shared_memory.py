"""A model whose steps share a sentence's memory gives what one gives whose memory is repeated."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import MODELS, numpy, same

from keras_attn.decoding import Beam, CoveragePenalty, DiverseBeam, Ensemble, Request, Sample
from keras_attn.models import TransformerDecoder

SOURCE = np.array([[5, 6, 7, 8], [9, 10, 0, 0], [11, 0, 0, 0]], "int32")
NAMES = [row.name for row in MODELS if isinstance(row.decoder, TransformerDecoder)]
SEARCHES = {
    "beam": Beam(3, 2, coverage=CoveragePenalty(0.3)),
    "diverse": DiverseBeam(4, 2, groups=2),
    "sample": Sample(3, seed=1),
}


def views_of(name):
    return next(row for row in MODELS if row.name == name).views()


def found(search, step, encoded):
    return numpy(search(step, encoded["memory"], encoded["state"], 6, Request(source_mask=SOURCE != 0)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("search", SEARCHES)
def test_every_search_finds_the_same(name, search):
    views, rows = views_of(name), []

    def watched(inputs):
        rows.append(inputs["memory"]["mask"].shape[0])
        return views.step(inputs)

    encoded = views.encoder(SOURCE)
    wanted = found(SEARCHES[search], watched, encoded)
    assert set(rows) == {3 * len(wanted.ids[0]) if search == "sample" else 3 * SEARCHES[search].width}
    watched.shares_memory = views.step.shares_memory
    rows.clear()
    same(found(SEARCHES[search], watched, encoded), wanted, 1e-5)
    assert set(rows) == {3}


def test_an_ensemble_shares_if_all_do():
    shares, repeats = (views_of(name) for name in (NAMES[0], "gru-additive"))
    assert Ensemble([shares, shares]).step.shares_memory
    assert not Ensemble([shares, repeats]).step.shares_memory
