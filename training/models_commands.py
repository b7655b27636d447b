"""What `python -m training models STEP` does: lines for people, and an exit code."""

import argparse
from datetime import UTC, datetime

from models.registry import Registry


def run_step(step: str, options: argparse.Namespace) -> tuple[list[str], int]:
    """Do one step on the registry that the options name; 1 where something is not sound."""
    registry, now = Registry(options.registry), datetime.now(UTC)
    if step == "publish":
        return [registry.publish(options.folder)], 0
    if step == "show":
        return [registry.show(options.version).model_dump_json(indent=1)], 0
    if step == "promote":
        registry.promote(options.version, at=now, reason=options.reason)
    elif step == "anchor":
        registry.set_anchor(options.version, at=now, reason=options.reason)
    elif step == "rollback":
        left = registry.pointer()
        back = registry.rollback(at=now, reason=options.reason)
        return [f"{back.version} answers instead of {left.version if left else 'none'}"], 0
    elif step == "verify":
        faults = registry.verify()
        return [f"{version}: {fault or 'sound'}" for version, fault in faults.items()], int(any(faults.values()))
    elif step == "prune":
        return [f"removed {version}" for version in registry.prune(keep=options.keep, at=now)], 0
    return _list(registry), 0


def _list(registry: Registry) -> list[str]:
    pointer, anchor = registry.pointer(), registry.anchor()
    lines = []
    for version in registry.versions():
        is_champion = pointer is not None and pointer.version == version
        notes = [f"champion since {pointer.promoted_at.isoformat()}"] if pointer and is_champion else []
        notes += ["anchor"] if version == anchor else []
        told = f"  {', '.join(notes)}" if notes else ""
        lines.append(f"{'*' if is_champion else ' '} {version}{told}")
    return lines
