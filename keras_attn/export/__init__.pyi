from .outputs import Alignment as Alignment
from .outputs import Output as Output
from .parity import Parity as Parity
from .parity import compare as compare
from .saved_model import load as load
from .text_to_text import TextToText as TextToText
