"""Where the output goes: put in its place as a whole, or not at all."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from serving.batch.journal import sync_folder
from serving.tables.places import WORK_SUFFIX
from serving.tables.urls import open_url


@dataclass(frozen=True, slots=True)
class Target:
    """A file here, or an object behind a URL."""

    name: str

    @property
    def is_remote(self) -> bool:
        """Claim that it is behind a URL."""
        return "://" in self.name

    @property
    def work(self) -> Path:
        """Give the folder of the run: beside a file; where we stand for what is elsewhere."""
        path = Path(PurePosixPath(self.name).name) if self.is_remote else Path(self.name)
        return path.with_name(path.name + WORK_SUFFIX)

    def exists(self) -> bool:
        """Claim that something has its name."""
        if self.is_remote:
            fs, path = open_url(self.name)
            return bool(fs.exists(path))
        return Path(self.name).exists()

    def put(self, made: Path) -> None:
        """Move a finished file there."""
        if self.is_remote:
            fs, path = open_url(self.name)
            fs.put_file(str(made), path)
            made.unlink()
        else:
            put_file(made, Path(self.name))


def put_file(made: Path, place: Path) -> None:
    """Move a finished file to its place in one step, from another disk too."""
    if made.stat().st_dev != place.parent.stat().st_dev:
        neighbour = place.with_name(place.name + ".part")
        shutil.copyfile(made, neighbour)
        made.unlink()
        made = neighbour
    descriptor = os.open(made, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    made.replace(place)
    sync_folder(place.parent)
