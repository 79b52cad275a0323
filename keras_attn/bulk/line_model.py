"""An exported model as Beam's RunInference runs one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import ModelHandler

from keras_attn.bulk.window import Window
from keras_attn.lines.decoder import LineDecoder
from keras_attn.lines.writing import Decoded, Fields, Json

ODD, LINES = "odd lines", "lines"  # namespace of the counters: of all lines, and one for each reason
Decode = Callable[[list[str]], list[Decoded]]
Lines = tuple[str, list[str]]  # a window's name, and what its lines became


class LineModel(ModelHandler[Window, Lines, Decode]):
    """Decode windows of lines as `keras-attn decode` does, and count what was odd.

    Args:
        load: gives what decodes sentences; called once in each process.
        write: what becomes of a line, see `keras_attn.lines.writing`.
        limits: `batch_size` and `tokens_per_batch` of a `LineDecoder`.
    """

    def __init__(self, load: Callable[[], Decode], write: Fields | Json, limits: dict[str, Any]) -> None:
        # A window is batched inside: by length, as it pays for sentences.
        super().__init__(min_batch_size=1, max_batch_size=1)
        self._load, self._write, self._limits = load, write, limits

    def load_model(self) -> Decode:
        """Load it."""
        return self._load()

    def run_inference(
        self, batch: Sequence[Window], model: Decode, inference_args: dict[str, Any] | None = None
    ) -> Iterable[Lines]:
        """Decode the lines of each window."""
        for window in batch:
            decoder = LineDecoder(model, self._write, **self._limits)
            yield window.name, decoder(window.lines)
            for name, count in {LINES: decoder.odd.lines, **decoder.odd.bad}.items():
                Metrics.counter(ODD, name).inc(count)

    def share_model_across_processes(self) -> bool:
        """One for each process: a model is small, and processes do not wait for each other."""
        return False
