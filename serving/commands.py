"""The commands for whoever runs the service: `feedback` and `model`."""

import argparse
import json
import os
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from models.errors import ConfigError
from serving.config import read_serve_config

if TYPE_CHECKING:
    from models.registry import Registry
    from serving.store import Store

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_commands(commands: Commands) -> None:
    """Add them to a parser."""
    feedback = commands.add_parser("feedback", help="the corrections that people sent").add_subparsers(required=True)
    export = feedback.add_parser("export", help="write those that were not withdrawn as JSONL")
    export.set_defaults(run=_export)
    erase = feedback.add_parser("erase", help="remove corrections for good, text and all")
    chosen = erase.add_argument_group("which (one at least; with both, those that fit both)")
    chosen.add_argument("--who", metavar="NAME", help="of this key")
    chosen.add_argument("--before", metavar="DATE", type=date.fromisoformat, help="recorded before this day, UTC")
    erase.set_defaults(run=lambda options: _erase(options, erase))
    model = commands.add_parser("model", help="the versions that a running service may answer with")
    steps = model.add_subparsers(required=True)
    publish = steps.add_parser("publish", help="take a model folder in under its version")
    publish.add_argument("folder", type=Path)
    publish.set_defaults(run=_publish)
    promote = steps.add_parser("promote", help="make a version the one that answers")
    promote.add_argument("version")
    promote.set_defaults(run=_promote)


def _export(_: argparse.Namespace) -> int:
    with closing(_store()) as store:
        for row in store.export():
            sys.stdout.write(json.dumps(row) + "\n")
    return 0


def _erase(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.who is None and options.before is None:
        parser.error("say which: --who NAME, --before DATE, or both")
    with closing(_store()) as store:
        erased = store.erase(who=options.who, before=options.before)
    sys.stdout.write(f"erased: {erased}\n")
    return 0


def _publish(options: argparse.Namespace) -> int:
    sys.stdout.write(_registry().publish(options.folder) + "\n")
    return 0


def _promote(options: argparse.Namespace) -> int:
    _registry().promote(options.version, at=datetime.now(UTC))
    return 0


def _store() -> "Store":
    from serving.store import Store

    return Store(read_serve_config(os.environ).feedback_url)


def _registry() -> "Registry":
    from models.registry import Registry

    folder = read_serve_config(os.environ).models_folder
    if not folder:
        raise ConfigError("models_folder is empty in the service's settings: there is nowhere to publish to")
    return Registry(Path(folder))
