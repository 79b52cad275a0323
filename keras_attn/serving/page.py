"""The page at /: one HTML file, to which the server adds the names of its models."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import HTMLResponse, Response

_FILE = Path(__file__).with_name("page.html")
_NAMES = '<meta name="models" content="[]">'


def page(models: Sequence[str]) -> Response:
    """The page, with headers that let nothing run in it but its own script, and nothing be fetched but models' answers.

    Its requests may go to any server, as it works for TensorFlow Serving too, and from a file.

    Args:
        models: names to offer; the first one is what the page begins with.
    """
    text = _FILE.read_text("utf-8")
    names = html.escape(json.dumps(list(models), ensure_ascii=False))
    body = text.replace(_NAMES, f'<meta name="models" content="{names}">', 1)
    headers = {
        "Content-Security-Policy": "; ".join(
            [
                "default-src 'none'",
                f"script-src {_hash(text, 'script')}",
                f"style-src {_hash(text, 'style')}",
                "img-src data:",  # the empty icon
                "connect-src *",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",  # the browser refuses to make markup of a string
                "trusted-types 'none'",
            ]
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(body, headers=headers)


def _hash(text: str, tag: str) -> str:
    """What a policy calls the one element of this name by."""
    ((content),) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
