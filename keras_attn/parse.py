"""A function's signature or a dataclass as a command line."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_type_hints

from keras_attn.errors import UserError

PROGRAM = "keras-attn"
_BOX = re.compile(r"\x1b\[[0-9;]*m|[│╭╮╰╯]")  # colors too
_RULE = re.compile(r"─{3,}")


def documentation(target: Any) -> tuple[str, list[str]]:
    """The text of a docstring, and its examples: the lines that start with the program's name.

    A class without a docstring of its own, or without an example in it, is documented by its module too.

    >>> def greet():
    ...     '''Say hello.
    ...
    ...     keras-attn greet --loud
    ...
    ...     Args:
    ...         loud: whether to shout.
    ...     '''
    >>> documentation(greet)
    ('Say hello.', ['keras-attn greet --loud'])
    """
    text = _prose(target)
    if inspect.isclass(target):
        module = _prose(sys.modules.get(target.__module__))
        if not text or text.startswith(f"{target.__name__}("):  # dataclass writes its signature there
            text = module
        elif not _examples(text):
            text = f"{text}\n\n{module}"
    prose = "\n".join(line for line in text.splitlines() if line.strip("`$ ") not in _examples(text))
    return re.sub(r"\n{3,}", "\n\n", prose).strip(), _examples(text)


def _prose(target: Any) -> str:
    """The docstring up to its sections, which the parser reads itself."""
    return re.split(r"^(?:Args|Raises|Returns|Attributes):\s*$", inspect.getdoc(target) or "", flags=re.MULTILINE)[0]


def _examples(text: str) -> list[str]:
    lines = (line.strip("`$ ") for line in text.splitlines())
    return [line for line in lines if line.startswith(f"{PROGRAM} ")]


def parse(target: Any, arguments: Sequence[str], program: str) -> Any:
    """Build `target` from `arguments`; nested dataclasses are dotted options (`--encoder.units 128`).

    `--help` prints the fields and ends with examples.

    Args:
        target: a dataclass, or a function (positional-only parameters are positional arguments).
        arguments: what stood on the command line after `program`.
        program: the command in help and messages, such as "keras-attn train dates".

    Raises:
        UserError: an unknown option (the near ones are named), a missing or an unreadable value.
    """
    import tyro

    text, examples = documentation(target)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            built = tyro.cli(target, prog=program, description=text, args=arguments)
        sys.stderr.write(said.getvalue())  # warnings
        return built
    except SystemExit as stop:
        if stop.code:
            raise UserError(_one_line(said.getvalue())) from None
        print("examples:")
        for example in examples or [program]:
            print(f"  {example}")
        raise


def parse_call(function: Callable[..., None], arguments: Sequence[str], program: str) -> Callable[[], None]:
    """Read `arguments` by the signature of `function`; the call is returned, not made."""
    import tyro

    signature = inspect.signature(function)
    hints = get_type_hints(function)
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            shown = name.upper() if parameter.default is parameter.empty else f"[{name.upper()} ...]"
            hints[name] = Annotated[hints[name], tyro.conf.Positional, tyro.conf.arg(metavar=shown)]
        else:  # a command's switches are off; a recipe's may be either, so those keep --x and --no-x
            hints[name] = Annotated[hints[name], tyro.conf.FlagCreatePairsOff]

    def later(*positional: Any, **named: Any) -> Callable[[], None]:
        return functools.partial(function, *positional, **named)

    # Not functools.wraps, whose __wrapped__ would lead the parser back to the plain hints.
    later.__doc__, later.__annotations__ = function.__doc__, hints
    later.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[item.replace(annotation=hints[name]) for name, item in signature.parameters.items()]
    )
    return parse(later, arguments, program)


def columns(rows: dict[str, str]) -> str:
    """A line for each name, with what it is behind it."""
    width = max(map(len, rows), default=0)
    return "\n".join(f"  {name:{width}}  {text}" for name, text in rows.items())


def _one_line(box: str) -> str:
    """The parser's framed message as one line: its title and frame dropped, its rules made semicolons."""
    _, *rows = box.splitlines()
    text = _RULE.sub(";", " ".join(_BOX.sub("", row) for row in rows))
    return re.sub(r":\s*;", ":", re.sub(r"\s*;\s*", "; ", " ".join(text.split()))).strip("; ")
