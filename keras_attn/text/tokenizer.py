"""The two vocabularies of a pair of languages."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

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
    ) -> Tokenizer:
        """Learn the vocabularies from (source, target) pairs.

        Args:
            pairs: read once if `shared`, else twice; a generator is kept in memory then.
            vocabulary_size: pieces of each side; `source_size` and `target_size` override it.
            shared: one vocabulary for both sides, learned from the text of both.
            model, normalization, byte_fallback, seed: see `Vocabulary.train`.

        Raises:
            UserError: as `Vocabulary.train`; or two sizes for one shared vocabulary.
        """
        options = {
            "model": model,
            "normalization": normalization,
            "byte_fallback": byte_fallback,
            "seed": seed,
        }
        if shared:
            if not (source_size or vocabulary_size) == (target_size or source_size or vocabulary_size):
                raise UserError(
                    f"source_size, target_size: expected one size as shared=True, got {source_size} and {target_size}"
                )
            both = itertools.chain.from_iterable(pairs)
            vocabulary = Vocabulary.train(both, size=source_size or target_size or vocabulary_size, **options)
            return cls(vocabulary, vocabulary)
        if iter(pairs) is pairs:
            pairs = list(pairs)
        return cls(
            Vocabulary.train((pair[0] for pair in pairs), size=source_size or vocabulary_size, **options),
            Vocabulary.train((pair[1] for pair in pairs), size=target_size or vocabulary_size, **options),
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `source.model` and `target.model`, or only `shared.model`, to `folder`: all of it or nothing."""
        folder = Path(folder)
        files = {"shared": self.source} if self.shared else {"source": self.source, "target": self.target}
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, vocabulary in files.items():
                (work / f"{name}.model").write_bytes(vocabulary.model_bytes)
            folder.mkdir(exist_ok=True)
            for name in files:
                os.replace(work / f"{name}.model", folder / f"{name}.model")
            for name in {"shared", "source", "target"} - set(files):
                (folder / f"{name}.model").unlink(missing_ok=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)

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
            f"folder: expected a saved tokenizer, but {path} cannot be read ({error.strerror}); was it saved there?"
        ) from error
    except UserError as error:
        raise UserError(f"folder: {path} is damaged or no vocabulary of this program: {error}") from error
