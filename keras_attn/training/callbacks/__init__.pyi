from .best_weights import BestWeights as BestWeights
from .board import Board as Board
from .decoded_score import DecodedScore as DecodedScore
from .heatmaps import Heatmaps as Heatmaps
from .samples import Samples as Samples
