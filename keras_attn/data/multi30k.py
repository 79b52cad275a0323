"""Multi30k, English and German: 29,000 captions to train on, 1,014 to choose on, 1,000 to test on.

Research use only: the captions derive from Flickr30K, whose terms allow non-commercial research and education.

Source: Elliott et al. 2016, "Multi30K: Multilingual English-German Image Descriptions".
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import unicodedata
from pathlib import Path

from keras_attn.errors import UserError
from keras_attn.whole_file import whole_file

logger = logging.getLogger("keras_attn")

ORIGIN = "https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1"

# SHA-256 of the text, lines stripped and in Unicode NFC: it holds however the file is packed.
TEXTS = {
    "train.en.gz": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.de.gz": "67aa53ff412b6af1f47c604a623e112e2c28c61519aa7cf8a5348af21722b67a",
    "val.en.gz": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.de.gz": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "test_2016_flickr.en.gz": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.de.gz": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
    "tok/train.lc.norm.tok.en.gz": "65781ae8280c389323b3f9c38794021c633d1eb12a74c02e0310974cd61195f8",
    "tok/train.lc.norm.tok.de.gz": "cb5a23529b65ec2061f1dc446192a9c37382b63cc75f81a0be59d34894b3a505",
    "tok/val.lc.norm.tok.en.gz": "46573ce391ae227f1c72f873392436a20ef18e0a6d518098cfbd70b77c8572ec",
    "tok/val.lc.norm.tok.de.gz": "97232bd273eceb7207f689527386a97e4be2616b18ada47576bdaf96c8ae1f00",
    "tok/test_2016_flickr.lc.norm.tok.en.gz": "5b7f32627cf99eced828311b955dae9800bb52bc8b91cf8b6526829e605b29d2",
    "tok/test_2016_flickr.lc.norm.tok.de.gz": "c6a33d39d48f9f510de147651316cd9d918e09ad0219df734a2f16b6baccacc4",
}


def fetch(folder: Path, names: list[str], origin: str = ORIGIN) -> None:
    """Download those files of the corpus that `folder` lacks.

    Args:
        folder: where they go.
        names: keys of `TEXTS`.
        origin: address of the corpus' `task1` folder.

    Raises:
        UserError: a file cannot be had, or its text is not the one expected; nothing of it is kept.
    """
    for name in names:
        target = folder / name
        if target.exists():
            continue
        address = f"{origin}/{name.removesuffix('.gz')}" if name.startswith("tok/") else f"{origin}/raw/{name}"
        logger.info("downloading %s (research use only)", address)
        text = _text(_get(address, folder))
        if hashlib.sha256(text).hexdigest() != TEXTS[name]:
            raise UserError(f"{address}: not the text expected (SHA-256 {TEXTS[name][:12]}...); try again later")
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as partial:
            partial.write_bytes(gzip.compress(text, mtime=0))


def _get(address: str, folder: Path) -> bytes:
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    name = "partial-" + address.rsplit("/", 1)[-1]
    try:
        path = Path(keras.utils.get_file(name, address, cache_dir=str(folder), cache_subdir="", force_download=True))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"Multi30k is not in {folder} and cannot be downloaded ({reason}); point KERAS_ATTN_DATA at a folder that "
            "holds multi30k/, or check the network"
        ) from error
    content = path.read_bytes()
    path.unlink()
    return content


def _text(content: bytes) -> bytes:
    try:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        lines = plain.decode("utf-8").removesuffix("\n").split("\n")
    except (OSError, EOFError, UnicodeDecodeError):
        return b""  # no text has this sum
    return ("\n".join(unicodedata.normalize("NFC", line).strip() for line in lines) + "\n").encode()
