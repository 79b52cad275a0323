"""What is left of an epoch that was begun before."""

from __future__ import annotations

import keras


class ShortEpoch(keras.callbacks.Callback):
    """Ends the first epoch of a `fit` after so many batches, and lets training go on with the next.

    Keras has one number of batches for all epochs. Between the last batch and the end of the epoch it looks at
    `stop_training`, and once more after that: so it is true between the two only. Put this first in the list, so that
    a callback that really wants to stop has its say afterwards.

    Args:
        batches: how many are left, at least 1.
    """

    def __init__(self, batches: int):
        super().__init__()
        self.batches, self._over = batches, False

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if not self._over and batch + 1 >= self.batches:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not self._over:
            self._over, self.model.stop_training = True, False
