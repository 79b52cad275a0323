"""`python -m keras_attn` is `keras-attn`."""

import sys

from keras_attn.cli import main

if __name__ == "__main__":
    sys.exit(main())
