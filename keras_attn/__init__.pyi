__version__: str

from . import alignment as alignment
from . import calibration as calibration
from . import data as data
from . import decoding as decoding
from . import errors as errors
from . import export as export
from . import layers as layers
from . import models as models
from . import ops as ops
from . import plots as plots
from . import recipes as recipes
from . import shapes as shapes
from . import testing as testing
from . import text as text
from . import training as training
