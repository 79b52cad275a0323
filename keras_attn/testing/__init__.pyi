from .specimen import Spec as Spec
from .specimen import Specimen as Specimen
