"""What gunicorn loads: Config -> Runtime -> create_app."""

from ops.config import Config
from ops.runtime import Runtime
from web.app import create_app

app = create_app(Runtime.for_web(Config.from_env()))
