from .attention import check_attention as check_attention
from .broken import Broken as Broken
from .model import check_model as check_model
from .model_specimen import ModelSpecimen as ModelSpecimen
from .outcome import Outcome as Outcome
from .report import Report as Report
from .spec import Spec as Spec
from .specimen import Specimen as Specimen
