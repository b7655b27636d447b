"""The BentoML service: checks the model before it starts, loads it, and mounts the routes."""

import sys

import bentoml

from models.classifier import DEFAULT_FOLDER, StanceClassifier
from models.errors import ModelError
from models.folder import open_folder
from serving.routes import make_app

routes = make_app()


# 64 statements of 4,000 characters are some 700 windows: the time-out is for what hangs, not for them.
@bentoml.asgi_app(routes)
@bentoml.service(name="stance", workers=1, traffic={"timeout": 300})
class StanceService:
    """Says how diplomatic statements stand towards the other side."""

    def __init__(self) -> None:
        routes.state.classifier = StanceClassifier.load()

    @bentoml.on_deployment
    @staticmethod
    def check_model() -> None:
        """
        Stop the start where the model cannot be used.

        A worker that fails at its start is started again for ever behind an open port; this runs once, before.
        """
        try:
            open_folder(DEFAULT_FOLDER)
        except ModelError as error:
            sys.exit(f"error: {error}\nTo restore the model of this version: git checkout -- models/default")
