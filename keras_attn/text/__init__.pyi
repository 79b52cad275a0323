from .sampler import Sampler as Sampler
from .tokenizer import Tokenizer as Tokenizer
from .vocabulary import Vocabulary as Vocabulary
