from .run import Run as Run

NAMES: dict[str, str]

def load(name: str) -> type: ...
