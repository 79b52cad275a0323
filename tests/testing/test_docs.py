"""What docs/testing.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keras_attn.testing.model_promises.table import MODEL_PROMISES
from keras_attn.testing.promises.table import PROMISES
from keras_attn.testing.specimen import CLAIMS

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")


def test_the_examples_run_and_print_what_the_page_says(capsys):
    names: dict = {"__name__": "example"}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, names)
    printed = capsys.readouterr().out
    (table,) = [block.strip("\n") for block in PAGE.split("```")[1::2] if "━" in block]
    assert [line.strip() for line in table.splitlines()] == [line.strip() for line in printed.splitlines()][
        : len(table.splitlines())
    ]


def test_the_breaks_on_the_page_are_what_comes(capsys):
    """The large negative number instead of a softmax that knows the mask."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    hidden = "score - (0 if value_mask is None else 1e9 * ops.cast(~value_mask, score.dtype)[:, None])"
    code = code.replace("from keras_attn.ops import softmax\n", "")
    code = code.replace(
        "weights = softmax(-ops.sum(apart**2, -1) / 2, mask)",
        f"score = -ops.sum(apart**2, -1) / 2\n        weights = ops.softmax({hidden})",
    )
    names: dict = {"__name__": "example"}
    exec(code.replace("report = check_attention(GaussianAttention)", ""), names)
    from keras_attn.testing import Broken, check_attention

    with pytest.raises(Broken) as broken:
        check_attention(names["GaussianAttention"], only=["masked rows", "precision", "weights"], show=False)
    assert str(broken.value) in PAGE


def test_every_promise_and_claim_is_on_the_page():
    for promise in (*PROMISES, *MODEL_PROMISES):
        assert f"| {promise.name} |" in PAGE or promise.name in ("weights", "precision", "jit")
    flowing = " ".join(PAGE.split())
    assert not [claim for claim in CLAIMS if f'"{claim}"' not in flowing]
