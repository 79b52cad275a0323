from .tokenizer import Tokenizer as Tokenizer
from .vocabulary import Vocabulary as Vocabulary
