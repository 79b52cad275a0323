from .masks import both as both
from .masks import causal as causal
from .penalties import redundancy as redundancy
from .scores import additive as additive
from .weights import read as read
from .weights import softmax as softmax
