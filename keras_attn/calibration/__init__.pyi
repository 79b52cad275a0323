from .confidence import Confidence as Confidence
from .confidence import confidence as confidence
from .reliability import Bin as Bin
from .reliability import Reliability as Reliability
from .reliability import reliability as reliability
from .temperature import fit_temperature as fit_temperature
