from .devices import is_chief as is_chief
from .devices import several as several
from .replicas import Replicas as Replicas
from .replicated import Replicated as Replicated
