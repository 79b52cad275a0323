"""Callbacks for anybody's `model.fit`: decoded scores, and what TensorBoard shows.

Tags, by run (folder). The step is the number of finished epochs, as the progress bar counts them.

| tag | from | what |
|---|---|---|
| **train** | | |
| `loss`, `perplexity`, every other metric | `Board` | over the epoch's batches |
| `learning_rate` | `Board` | at the end of the epoch, also of a schedule |
| `updates_per_second` | `Board` | training batches per second of training |
| `tokens_per_second` | `Board` | real target tokens, if the model has a metric called `tokens` |
| **validation** | | |
| `loss`, `bleu`, `exact_match`, ... | `Board` | what the logs call `val_loss` and so on |
| **updates** | | step: the optimizer's updates |
| `loss`, `learning_rate`, every metric | `Board(every=n)` | at every n-th update, over the epoch so far |
| **samples** | | |
| `samples` | `Samples` | sources, references and outputs as a table |
| **attention** | | |
| `attention/1`, `attention/2`, ... | `Heatmaps` | a picture per sentence |

`Profile` writes a trace for TensorBoard's profiler beside them, in `plugins/profile`.

Every callback writes runs of its own, because TensorBoard follows one growing file per folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
