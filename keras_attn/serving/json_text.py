"""JSON as TensorFlow Serving reads and quotes it."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any

from keras_attn.serving.errors import invalid

# Python's words for what is wrong with a text, and RapidJSON's, which TensorFlow Serving passes on.
_WORDS = {
    "Expecting value": "Invalid value.",
    "Extra data": "The document root must not be followed by other values.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or ] after an array element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
# An escaped character: a pair of surrogates, half of one, anything else.
_ESCAPES = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
# Most numbers that a double cannot hold look like this, and few others do: these texts are parsed once more, slowly.
_BIG = re.compile(r"[0-9]{200}|[eE]\+?[0-9]{3}")
_QUOTED = 1000  # characters of a value in an error: an answer doesn't send a large request back
_KINDS = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse(body: bytes) -> dict[str, Any]:
    """The object that the body of a request is; NaN, Infinity and -Infinity are numbers.

    >>> parse(b'{"instances": [1, NaN]}')
    {'instances': [1, nan]}
    >>> parse(b'{"instances": [1, }')
    Traceback (most recent call last):
    ...
    keras_attn.serving.errors.ServingError: JSON Parse error: Invalid value. at offset: 18

    Raises:
        ServingError: it is not JSON, or not an object.
    """
    if not body.strip():
        raise invalid(
            "JSON Parse error: The document is empty. at offset: 0"
            if body
            else "JSON Parse error: The document is empty"
        )
    try:
        text = body.decode("utf-8-sig")
        found = json.loads(text, parse_float=_double if _BIG.search(text) else None)
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from None
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {_WORDS.get(error.msg, error.msg)} at offset: {error.pos}") from None
    except RecursionError:
        raise invalid("JSON Parse error: The document is nested too deeply.") from None
    except (ValueError, OverflowError):  # thousands of digits
        raise invalid("JSON Parse error: Number too big to be stored in double.") from None
    for escape in _ESCAPES.finditer(text):  # Python reads half of a pair, which no text in UTF-8 has
        if escape[1]:
            raise invalid(f"JSON Parse error: The surrogate pair in string is invalid. at offset: {escape.start()}")
    if not isinstance(found, dict):
        raise invalid(f"JSON Value: {quoted(found)} Is not object")
    return found


def _double(text: str) -> float:
    found = float(text)
    if math.isinf(found):  # which JSON writes in letters
        raise OverflowError(text)
    return found


def quoted(value: Any) -> str:
    """A value as it stands in an error."""
    try:
        text = json.dumps(value, indent=4, ensure_ascii=False)
    except RecursionError:  # writing with an indent goes less deep than reading
        return "..."
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "..."


def kind(value: Any) -> str:
    """The name of a value's type.

    >>> kind(True), kind("x"), kind([])
    ('True', 'String', 'Array')
    """
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def is_bytes(value: Any) -> bool:
    """Whether a value is an object that holds bytes: `{"b64": "..."}` and nothing else."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def from_base64(value: Any) -> bytes:
    """The bytes that such an object holds.

    >>> from_base64({"b64": "aGVsbG8="})
    b'hello'

    Raises:
        ServingError: it is something else, or is not base64.
    """
    if not is_bytes(value):
        raise invalid(f"JSON Value: {quoted(value)} not formatted correctly for base64 data")
    text = value["b64"]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None
