from .options import Options as Options
from .server import Server as Server
