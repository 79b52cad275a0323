"""The parts of an update: batches that are accumulated, rows that replicas of a model share."""

from __future__ import annotations

import numpy as np

from keras_attn.data.epochs import Batch, Epochs
from keras_attn.errors import expect
from keras_attn.text.vocabulary import END


class Parts:
    """Batches whose weights say what a label counts in its whole update.

    Update u is made of the batches k u .. k u + k - 1, counted from the start of training and on over the ends of
    epochs; N is the number of their labels. The weight of a label is k / N, as an optimizer that accumulates takes the
    mean of k gradients, so that the sum of weighted losses gives the gradient of the mean over the N labels, however
    unequal the parts are. An update of one batch and one replica keeps the weights 1.

    R replicas get as many rows each: row r belongs to replica r mod R, and rows of padding fill up the last ones.

    >>> from keras_attn.text import Tokenizer
    >>> text = Tokenizer.train([("a man", "ein Mann")], vocabulary_size=300, model="char")
    >>> epochs = Epochs([("a man", "ein Mann"), ("a", "ein")], text, tokens_per_batch=10, shuffle=False)
    >>> parts = Parts(epochs, accumulate=2)
    >>> [round(float(parts.batch(0, step)[2].max()), 3) for step in (0, 1)]  # 2 / 15
    [0.133, 0.133]
    """

    def __init__(self, epochs: Epochs, accumulate: int = 1, replicas: int = 1):
        """See the class.

        Args:
            epochs: the batches.
            accumulate: k, how many batches make an update.
            replicas: R.

        Raises:
            UserError: a number below 1.
        """
        expect(accumulate >= 1, "accumulate", "at least 1", accumulate)
        expect(replicas >= 1, "replicas", "at least 1", replicas)
        self.epochs, self.accumulate, self.replicas = epochs, accumulate, replicas
        self._tokens: dict[int, np.ndarray] = {}  # of the last two epochs that were asked for, as updates go over ends

    def batch(self, epoch: int, step: int, replica: int | None = None) -> Batch:
        """Return ({"source", "target"}, labels, weights) of one step, see `Epochs`.

        Args:
            epoch, step: counted from 0.
            replica: whose rows; None for those of all.
        """
        inputs, labels, weights = self.epochs.batch(epoch, step)
        if self.accumulate == self.replicas == 1:
            return inputs, labels, weights
        share = np.float32(self.accumulate / self._labels(epoch, step))
        source = self._rows(inputs["source"], replica)
        source[source[:, 0] == 0, 0] = END  # see `Epochs`
        rest = (self._rows(part, replica) for part in (inputs["target"], labels, weights * share))
        target, labels, weights = rest
        return {"source": source, "target": target}, labels, weights

    def _labels(self, epoch: int, step: int) -> int:
        """How many labels there are in the update that a batch belongs to."""
        steps = self.epochs.steps
        first = (epoch * steps + step) // self.accumulate * self.accumulate
        total = 0
        for number in range(first, first + self.accumulate):
            total += int(self._tokens_of(number // steps)[number % steps])
        return total

    def _tokens_of(self, epoch: int) -> np.ndarray:
        if epoch not in self._tokens:
            last = list(self._tokens.items())[-1:]
            self._tokens = {**dict(last), epoch: self.epochs.target_tokens(epoch)}
        return self._tokens[epoch]

    def _rows(self, part: np.ndarray, replica: int | None) -> np.ndarray:
        filled = np.pad(part, [(0, -len(part) % self.replicas), (0, 0)])
        return filled if replica is None else filled[replica :: self.replicas]
