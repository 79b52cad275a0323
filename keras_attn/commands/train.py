"""`keras-attn train`."""

from __future__ import annotations

from collections.abc import Sequence

from keras_attn.parse import PROGRAM, columns, documentation, parse
from keras_attn.quiet import greetings_aside, import_tensorflow


def train(arguments: Sequence[str]) -> None:
    """Train a recipe by name; every field of the recipe is an option.

    keras-attn train dates --output runs/dates
    keras-attn train dates --help
    """
    from keras_attn.recipes import NAMES, load

    if not arguments or arguments[0] in ("-h", "--help"):
        text, examples = documentation(train)
        print(f"usage: {PROGRAM} train NAME [--field value ...]\n\n{text}\n\nrecipes:")
        print(columns(NAMES))
        print("\nexamples:\n  " + "\n  ".join(examples))
        return
    name, *fields = arguments
    with greetings_aside():
        recipe = load(name)
    configured = parse(recipe, fields, f"{PROGRAM} train {name}")
    import_tensorflow()
    configured.train()
