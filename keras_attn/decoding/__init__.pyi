from .beam import Beam as Beam
from .greedy import Greedy as Greedy
