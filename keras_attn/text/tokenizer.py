"""The two vocabularies of a pair of languages."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from keras_attn.errors import UserError
from keras_attn.text.vocabulary import Vocabulary


class Tokenizer:
    """A source and a target vocabulary; one and the same object when they are shared.

    >>> text = Tokenizer.train([("a man", "ein Mann"), ("a horse", "ein Pferd")], vocabulary_size=300)
    >>> text.target.decode(text.target.encode(["ein Mann"]))
    ['ein Mann']
    """

    def __init__(self, source: Vocabulary, target: Vocabulary):
        self.source = source
        self.target = target

    @property
    def shared(self) -> bool:
        """Whether both sides use one vocabulary object."""
        return self.source is self.target

    @property
    def fingerprint(self) -> str:
        """SHA-256 of both models, in hexadecimal: equal fingerprints, equal ids."""
        digest = hashlib.sha256()
        for vocabulary in (self.source, self.target):
            digest.update(len(vocabulary.model_bytes).to_bytes(8, "big") + vocabulary.model_bytes)
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"Tokenizer(source={self.source}, target={self.target}, shared={self.shared})"

    @classmethod
    def train(
        cls,
        pairs: Iterable[tuple[str, str]],
        *,
        vocabulary_size: int = 8000,
        model: Literal["unigram", "bpe", "char", "word"] = "unigram",
        normalization: Literal["nfkc", "none"] = "nfkc",
        byte_fallback: bool = True,
        shared: bool = False,
        seed: int = 0,
        source_size: int | None = None,
        target_size: int | None = None,
        target_normalization: Literal["nfkc", "none"] | None = None,
    ) -> Tokenizer:
        """Learn the vocabularies from (source, target) pairs.

        Args:
            pairs: read once if `shared`, else twice; a generator is kept in memory then.
            vocabulary_size: pieces of each side; `source_size` and `target_size` override it.
            shared: one vocabulary for both sides, learned from the text of both.
            target_normalization: of the target, if not that of the source. NFKC reads more kinds of input; on the
                target side it also changes what is written (Chinese "，" becomes ","). Not used if `shared`.
            model, normalization, byte_fallback, seed: see `Vocabulary.train`.

        Raises:
            UserError: as `Vocabulary.train`; or two sizes for one shared vocabulary.
        """
        options: dict[str, Any] = {
            "model": model,
            "normalization": normalization,
            "byte_fallback": byte_fallback,
            "seed": seed,
        }
        if shared:
            given = {size for size in (source_size, target_size) if size is not None}
            if len(given) > 1:
                raise UserError(
                    f"source_size, target_size: expected one size for a shared vocabulary, got "
                    f"{source_size} and {target_size}; pass vocabulary_size instead"
                )
            lines = (line for pair in pairs for line in pair[:2])
            vocabulary = Vocabulary.train(lines, size=given.pop() if given else vocabulary_size, **options)
            return cls(vocabulary, vocabulary)
        if iter(pairs) is pairs:
            pairs = list(pairs)
        target = options | {"normalization": target_normalization or normalization}
        sizes = [vocabulary_size if size is None else size for size in (source_size, target_size)]
        return cls(
            Vocabulary.train((pair[0] for pair in pairs), size=sizes[0], **options),
            Vocabulary.train((pair[1] for pair in pairs), size=sizes[1], **target),
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `source.model` and `target.model`, or only `shared.model`, to `folder`.

        Whole or not at all: whatever happens on the way, `load` finds one complete tokenizer or none, never
        the source of one and the target of another.
        """
        folder = Path(folder)
        models = {"shared": self.source} if self.shared else {"source": self.source, "target": self.target}
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
            ready = Path(work) / "ready"  # one deeper, as the temporary folder itself is closed to other users
            ready.mkdir()
            for name, vocabulary in models.items():
                (ready / f"{name}.model").write_bytes(vocabulary.model_bytes)
            if not folder.exists():
                os.replace(ready, folder)
                return
            for name in ("shared", "source", "target"):
                (folder / f"{name}.model").unlink(missing_ok=True)
            for name in models:
                os.replace(ready / f"{name}.model", folder / f"{name}.model")

    @classmethod
    def load(cls, folder: str | os.PathLike) -> Tokenizer:
        """Read what `save` wrote.

        Raises:
            UserError: a file is missing, unreadable or no SentencePiece model.
        """
        folder = Path(folder)
        if (folder / "shared.model").exists():
            vocabulary = _read(folder / "shared.model")
            return cls(vocabulary, vocabulary)
        return cls(_read(folder / "source.model"), _read(folder / "target.model"))


def _read(path: Path) -> Vocabulary:
    try:
        return Vocabulary(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"folder: expected a saved tokenizer, but {path} cannot be read ({error.strerror}); "
            "was Tokenizer.save called with this folder?"
        ) from error
    except UserError as error:
        raise UserError(f"folder: {path} is damaged: {error}") from error
