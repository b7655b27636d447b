"""Pointers to champions, and the history of them: a file that only grows, by which one goes back."""

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ModelError
from models.stance import Stance


class Golden(BaseModel):
    """What a version gave to a golden statement when it was promoted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    stance: Stance
    probabilities: dict[Stance, float]


class Pointer(BaseModel):
    """Which version answers, the SHA-256 of its manifest, since when, and what it must answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    manifest_sum: str
    promoted_at: datetime
    golden: tuple[Golden, ...]


class Event(BaseModel):
    """
    One line of the history, which only grows.

    Attributes:
        reason: for people: why it came to this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: Literal["promote", "rollback", "anchor", "prune"]
    at: datetime
    version: str
    reason: str
    pointer: Pointer | None = None


class History:
    """Reads and prolongs a history file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def events(self) -> list[Event]:
        """
        Give what happened, oldest first.

        Raises:
            ModelError: a line is not an event.
        """
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        try:
            return [Event.model_validate_json(line) for line in lines]
        except ValidationError as error:
            raise ModelError(f"{self._file} holds a line that is not an event") from error

    def append(self, event: Event) -> None:
        """Add an event; it is on disk when this returns."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(event.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def anchor(self) -> str | None:
        """Name the version that no later one may fall behind: the last one so named, else the first champion."""
        events = self.events()
        named = [event.version for event in events if event.event == "anchor"]
        return named[-1] if named else next((e.version for e in events if e.event == "promote"), None)

    def champions(self, pointer: Pointer | None) -> list[Pointer]:
        """
        Give those that rollbacks go back to in turn, the champion last; pruned ones are left out.

        Args:
            pointer: the champion; a kill between the pointer's and the history's write leaves it ahead of these.
        """
        stack: list[Pointer] = []
        pruned: set[str] = set()
        for event in self.events():
            if event.event == "rollback":
                stack = stack[:-1]
            elif event.event == "promote" and event.pointer:
                stack.append(event.pointer)
                pruned.discard(event.version)
            elif event.event == "prune":
                pruned.add(event.version)
        if pointer and any(one.version == pointer.version for one in stack):
            while stack[-1].version != pointer.version:
                stack.pop()
        elif pointer:
            stack.append(pointer)
        return [one for one in stack if one.version not in pruned]
