"""The heatmap shows every weight in its place and every token whole, whatever the tokens are."""

import io
import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest

from keras_attn.errors import UserError
from keras_attn.plots import heatmap


def tick_labels(figure):
    axes = figure.axes[0]
    return [t.get_text() for t in axes.get_xticklabels()], [t.get_text() for t in axes.get_yticklabels()]


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_sources_are_on_top_and_targets_on_the_left():
    figure = heatmap(np.eye(2, 3), ["a", "b", "c"], ["x", "y"])
    assert tick_labels(figure) == (["a", "b", "c"], ["x", "y"])
    axes = figure.axes[0]
    image = pixels(figure)
    box = axes.get_window_extent()
    label = axes.get_xticklabels()[0].get_window_extent()
    assert label.y0 >= box.y1
    # Row "x" attends to "a": the darkest cell is the top left one.
    height = image.shape[0]
    cells = image[height - int(box.y1) : height - int(box.y0), int(box.x0) : int(box.x1)]
    rows, columns = cells.shape[0] // 2, cells.shape[1] // 3
    means = [[cells[r * rows + 5 : (r + 1) * rows - 5, c * columns + 5 : (c + 1) * columns - 5].mean()
              for c in range(3)] for r in range(2)]  # fmt: skip
    dark = np.asarray(means) < 150
    assert dark.tolist() == [[True, False, False], [False, True, False]]


def test_the_color_scale_is_0_to_1_whatever_the_weights():
    figure = heatmap([[0.1, 0.2]], ["a", "b"], ["x"])
    assert figure.axes[0].images[0].get_clim() == (0.0, 1.0)
    assert figure.axes[1].get_ylim() == (0.0, 1.0)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (60, 60), (1, 60), (150, 90)])
def test_no_label_leaves_the_figure_and_none_covers_another(size):
    rows, columns = size
    figure = heatmap(
        np.full(size, 1 / columns),
        [f"▁source{i}" for i in range(columns)],
        [f"▁target{i}" for i in range(rows)],
        title="a title",
    )
    image = pixels(figure)
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (border == 255).all()
    for labels, axis in ((figure.axes[0].get_xticklabels(), 0), (figure.axes[0].get_yticklabels(), 1)):
        spans = sorted((box.min[axis], box.max[axis]) for box in (t.get_window_extent() for t in labels))
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    (title,) = figure.texts
    assert title.get_window_extent().y0 >= max(t.get_window_extent().y1 for t in figure.axes[0].get_xticklabels())


def test_larger_matrices_give_larger_figures_up_to_a_limit():
    def size(n):
        return heatmap(np.zeros((n, n)), ["a"] * n, ["b"] * n).get_size_inches().max()

    assert size(5) < size(20) < size(60) <= 14
    assert size(500) <= 26


def test_past_the_limit_every_nth_token_is_named():
    figure = heatmap(np.zeros((2, 400)), [str(i) for i in range(400)], ["x", "y"])
    assert tick_labels(figure)[0][:3] == ["0", "3", "6"]


SCRIPTS = {
    "Latin": "▁Größe ▁naïve Œuvre",
    "Chinese": "一个 男人 在 骑马 。",
    "Japanese": "馬に 乗る ガ",
    "Korean": "말을 탄다",
    "Arabic": "▁رجل ▁ي ركب ▁حصان ًا",
    "Hebrew": "▁סוס",
    "Hindi": "▁आदमी ▁घोड़े ◌ी ी",
    "Bengali": "▁ঘোড়া",
    "Thai": "▁ผู้ชาย กำลัง ้",
    "Burmese": "မြင်း",
    "emoji": "👍🏽 👨‍👩‍👧 ☺️",
    "bytes": "<0xE4> <0xBD>",
    "mathematics": "$ $x$ $\\frac{1}{0}$ \\ ^_{}",
    "odd": "\x00 \u202e \u200d \ufeff \ue000 \U0010ffff \udc80",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_any_script_draws_without_a_warning(script):
    tokens = SCRIPTS[script].split(" ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = heatmap(np.eye(len(tokens)), tokens, tokens, title=SCRIPTS[script])
        figure.savefig(file := io.BytesIO(), format="png")
    assert file.getvalue().startswith(b"\x89PNG")


def test_mathematics_is_no_mathematics():
    figure = heatmap([[1.0]], ["$x_1$"], ["$y$"], title="$z^2$ for $5")
    (source,), (target,) = figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()
    assert [t.get_parse_math() for t in (source, target, *figure.texts)] == [False] * 3
    assert figure.texts[0].get_text() == "$z^2$ for $5"


def test_an_output_without_tokens_is_drawn_as_such():
    figure = heatmap(np.zeros((0, 2)), ["a", "b"], [])
    assert [t.get_text() for t in figure.axes[0].texts] == ["(no tokens)"]
    pixels(figure)


def test_not_a_number_is_gray():
    figure = heatmap([[np.nan]], ["a"], ["b"])
    box = figure.axes[0].get_window_extent()
    image = pixels(figure)
    assert image[image.shape[0] - int(box.y0 + box.height / 2), int(box.x0 + box.width / 2)].tolist() == [153] * 3


@pytest.mark.parametrize("shape", [(3, 2), (2,), (1, 2, 3), (2, 4)])
def test_weights_of_another_shape_are_refused(shape):
    with pytest.raises(UserError, match=r"weights: expected the shape .* \(2, 3\), got"):
        heatmap(np.zeros(shape), ["a", "b", "c"], ["x", "y"])


def test_plots_load_neither_pyplot_nor_keras():
    code = (
        "import sys; from keras_attn.plots import heatmap; heatmap([[1.0]], ['a'], ['b']).canvas.draw(); "
        "print({'matplotlib.pyplot', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
