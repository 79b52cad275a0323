"""One file per command of `keras-attn`: a function that parses, calls a library function, and prints.

Its signature is its options (positional-only parameters are positional arguments), its docstring is its help, and the
docstring's lines that start with `keras-attn` are the examples that end the help. Nothing here imports TensorFlow,
Keras or Matplotlib before a command needs it, so that `--help` answers at once.
"""
