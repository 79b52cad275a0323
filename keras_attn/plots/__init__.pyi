from .attention_heatmap import heatmap as heatmap
from .score_by_length import by_length as by_length
