from .greedy import Greedy as Greedy
