from .attention_heatmap import heatmap as heatmap
from .reliability_diagram import reliability_diagram as reliability_diagram
from .score_by_length import by_length as by_length
