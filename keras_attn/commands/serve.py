"""`keras-attn serve`."""

from __future__ import annotations

from collections.abc import Sequence

from keras_attn.errors import UserError
from keras_attn.parse import PROGRAM, parse
from keras_attn.quiet import import_tensorflow


def serve(arguments: Sequence[str]) -> None:
    """Serve exported models by the TensorFlow Serving API: REST and gRPC; the flags are TensorFlow Serving's.

    keras-attn serve saved_models/dates
    keras-attn serve --help
    """
    from keras_attn.serving.options import Options, as_flags

    options = parse(Options, as_flags(arguments), f"{PROGRAM} serve")
    import_tensorflow()
    try:
        from keras_attn.serving import Server
    except ModuleNotFoundError as error:
        raise UserError(f"serve: expected its packages, got {error}; pip install 'keras_attn[serve]'") from error
    Server(options).run()
