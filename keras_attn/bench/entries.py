"""What the leaderboard compares: one decoder, in which one part is another each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keras_attn.bench.tasks import LENGTH


@dataclass(frozen=True)
class Entry:
    """One row of the leaderboard.

    Args:
        name: on the command line, in tables, and of its picture.
        part: which part is another: "source", "scoring", "query", "weighing", "window" or "fusion".
        equation: in TeX, in the paper's letters.
        source: where it comes from.
        settings: fields of `RNNDecoder` that differ from `BASE`.
        theory: what is to be expected of it.
    """

    name: str
    part: str
    equation: str
    source: str
    settings: dict[str, Any] = field(default_factory=dict)
    theory: str = ""


UNITS = 64
ENCODER: dict[str, Any] = {"units": UNITS // 2, "embedding": 32, "dropout": 0.0}  # both directions: 64 wide
BASE: dict[str, Any] = {"units": UNITS, "embedding": 32, "dropout": 0.0, "attention": "additive", "window_width": 3}

BAHDANAU, LUONG = "Bahdanau et al. 2015", "Luong et al. 2015"
TUTORIAL = "PyTorch's seq2seq tutorial"
NO_PLACE = "it cannot tell two equal symbols apart but by what stands around them"

ENTRIES = [
    Entry(
        "no-attention",
        "source",
        r"s_0 = \tanh(W \bar h)",
        "Sutskever et al. 2014",
        {"attention": None},
        "16 symbols out of 16 are 64 bits: too much to get through 64 units in few updates",
    ),
    Entry(
        "fixed-context",
        "source",
        r"s_i = f(s_{i-1}, [y_{i-1}; C])",
        "Cho et al. 2014",
        {"attention": None, "fixed_vector": "every_step"},
        "the same bottleneck, seen at every step",
    ),
    Entry(
        "additive",
        "scoring",
        r"e_{ij} = v^\top \tanh(W s_{i-1} + U h_j)",
        BAHDANAU,
        {},
        "what all others are beside; the state that asks has not read the last output yet, so lookup, whose next link "
        "hangs on it, is out of reach in one look",
    ),
    Entry("dot", "scoring", r"e_{ij} = s_{i-1}^\top h_j", LUONG, {"attention": "dot"}),
    Entry(
        "scaled-dot",
        "scoring",
        r"e_{ij} = s_{i-1}^\top h_j / \sqrt{d}",
        "Vaswani et al. 2017",
        {"attention": "scaled_dot"},
        "states lie in (-1, 1), so scores are at most 8: softer than dot",
    ),
    Entry("general", "scoring", r"e_{ij} = s_{i-1}^\top W h_j", LUONG, {"attention": "general"}),
    Entry(
        "concat",
        "scoring",
        r"e_{ij} = v^\top \tanh(W [s_{i-1}; h_j])",
        LUONG,
        {"attention": "concat"},
        "the same function as additive, so with the same seed the same numbers",
    ),
    Entry(
        "tanh-sum",
        "scoring",
        r"e_{ij} = \sum_u \tanh(W [s_{i-1}; h_j] + b)_u",
        "the additive form of many tutorials",
        {"attention": "tanh_sum"},
        "additive without v",
    ),
    Entry(
        "cosine",
        "scoring",
        r"e_{ij} = \beta \cos(s_{i-1}, h_j)",
        "Graves et al. 2014",
        {"attention": "cosine"},
        "as sharp as beta lets it be",
    ),
    Entry(
        "location",
        "scoring",
        r"e_{ij} = (W s_{i-1} + b)_j",
        LUONG,
        {"attention": "location", "max_source_length": LENGTH},
        "it counts places and never looks at what stands there: lookup is out of reach, and so is the end of a source "
        "whose length varies, but for what the first state knows",
    ),
    Entry(
        "pytorch-tutorial",
        "scoring",
        r"e_{ij} = (W [y_{i-1}; s_{i-1}] + b)_j,\ x_i = V [y_{i-1}; c_i]",
        TUTORIAL,
        {"attention": "location", "max_source_length": LENGTH, "query": "token_and_state", "fusion": "linear"},
        "as location",
    ),
    Entry(
        "multi-head",
        "scoring",
        r"c_i = [\mathrm{head}_1; \ldots; \mathrm{head}_4] W^O,\ e^h_{ij} = (W^Q_h s_{i-1})^\top W^K_h h_j / \sqrt{d}",
        "Vaswani et al. 2017",
        {"attention": "multi_head"},
        "can look at four places at once; its heatmap is the mean of four",
    ),
    Entry(
        "luong",
        "query",
        r"e_{tj} = h_t^\top W h_j,\ \tilde h_t = \tanh(W_c [c_t; h_t])",
        LUONG,
        {"attention": "general", "query": "state"},
        "the state has read the last token, so lookup is one hop",
    ),
    Entry(
        "luong-unfed",
        "query",
        r"\tilde h_t \text{ is not fed to step } t + 1",
        LUONG,
        {"attention": "general", "query": "state", "input_feeding": False},
        "a state that does not know where it looked before",
    ),
    Entry(
        "query-state",
        "query",
        r"e_{ij} = v^\top \tanh(W s_i + U h_j)",
        LUONG,
        {"query": "state"},
        "additive scores, asked after the step",
    ),
    Entry(
        "query-token",
        "query",
        r"e_{ij} = v^\top \tanh(W y_{i-1} + U h_j)",
        TUTORIAL,
        {"query": "token"},
        "only the last token asks: " + NO_PLACE,
    ),
    Entry(
        "query-both",
        "query",
        r"e_{ij} = v^\top \tanh(W [y_{i-1}; s_{i-1}] + U h_j)",
        TUTORIAL,
        {"query": "token_and_state"},
        "asks with the last token before the step: one hop for lookup",
    ),
    Entry(
        "sparsemax",
        "weighing",
        r"a_i = \arg\min_{p \in \Delta} \lVert p - e_i \rVert^2",
        "Martins and Astudillo 2016",
        {"weighing": "sparsemax"},
        "sharp looks with exact zeros; no gradient to what has none",
    ),
    Entry(
        "top-k",
        "weighing",
        r"a_i = \mathrm{softmax} \text{ over the 4 best } e_{ij}",
        "Gupta et al. 2021",
        {"weighing": "top_k"},
        "no gradient to what is not among the best",
    ),
    Entry(
        "sigmoid",
        "weighing",
        r"a_{ij} = \sigma(e_{ij} - \log n)",
        "Ramapuram et al. 2024",
        {"weighing": "sigmoid"},
        "keys do not compete, so a sharp look has to be learned key by key; made for pre-training at scale",
    ),
    Entry(
        "straight-through",
        "weighing",
        r"a_i = \mathrm{onehot}(\arg\max_j e_{ij} + g_{ij})",
        "Jang et al. 2017",
        {"weighing": "straight_through"},
        "reads one key, chosen by chance while it learns: slower",
    ),
    Entry(
        "local-monotonic",
        "window",
        r"p_t = t,\ |j - p_t| \le 3",
        LUONG,
        {"window": "local_monotonic"},
        "copies; cannot reverse, swap or look up, as what is asked for lies outside of the window",
    ),
    Entry(
        "local-predictive",
        "window",
        r"p_t = S\,\sigma(v_p^\top \tanh(W_p s)),\ a_{tj} \exp(-(j - p_t)^2 / 2\sigma^2)",
        LUONG,
        {"window": "local_predictive"},
        "has to learn to steer the window from the state alone: smooth paths are easy, jumps as in swap are not",
    ),
    Entry("fuse-linear", "fusion", r"x_i = V [y_{i-1}; c_i] + b", TUTORIAL, {"fusion": "linear"}),
    Entry("fuse-attentional", "fusion", r"x_i = \tanh(W_c [c_i; y_{i-1}])", LUONG, {"fusion": "attentional"}),
    Entry(
        "fuse-gated", "fusion", r"x_i = g \odot y_{i-1} + (1 - g) \odot P c_i", "Tu et al. 2017", {"fusion": "gated"}
    ),
    Entry(
        "fuse-weighted",
        "fusion",
        r"x_i = (1 - s)\, y_{i-1} + s\, P c_i",
        "one learned share",
        {"fusion": "weighted_sum"},
    ),
]
BY_NAME = {entry.name: entry for entry in ENTRIES}
