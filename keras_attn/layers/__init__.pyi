from .attention import Attention as Attention
from .recurrent.attention_cell import AttentionCell as AttentionCell
from .recurrent.context_cell import ContextCell as ContextCell
from .recurrent.deep_output import DeepOutput as DeepOutput
from .recurrent.memory_cell import MemoryCell as MemoryCell
from .recurrent.unroll import Unroll as Unroll
from .scoring.additive import AdditiveScoring as AdditiveScoring
