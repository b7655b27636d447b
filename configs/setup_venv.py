"""
Set up .venv: `base` installs what serving needs, `dev` adds training and the tools.

Runs with the system's Python, so it uses the standard library alone.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(".venv")
PYTHON = FOLDER / "bin" / "python"
TORCH = "torch==2.13.0"
BASE = "configs/constraints-base.txt"
ALL = "configs/constraints.txt"
ALLOW_CUDA = "DETENTE_ALLOW_CUDA"


def main(profile: str) -> int:
    """Install one profile; a second run installs only what is missing."""
    if sys.version_info < (3, 11):
        print(f"detente needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    if not PYTHON.exists():
        print(f"making {FOLDER}")
        venv.create(FOLDER, with_pip=True)
    print("installing what serving needs (checked by hash)")
    pip("install", "--require-hashes", "--no-deps", "-r", BASE)
    if profile == "dev":
        return install_dev()
    return 0


def install_dev() -> int:
    """Install torch first, so that a CPU build at hand is taken, then what needs it, then the project."""
    if os.environ.get(ALLOW_CUDA) != "1" and (found := cuda_packages()):
        print(
            f"{TORCH} would bring {', '.join(found[:3])} and {max(0, len(found) - 3)} more, several GB for a GPU.\n"
            "Point pip to a CPU build (PIP_FIND_LINKS=folder with its wheel, or PIP_EXTRA_INDEX_URL),\n"
            f"or say that you want them: {ALLOW_CUDA}=1 make ...",
            file=sys.stderr,
        )
        return 1
    print("installing torch, then training and the tools")
    pip("install", "-c", ALL, TORCH)
    pip("install", "-c", ALL, "hatchling", "editables")
    pip("install", "-c", ALL, "--no-build-isolation", "-e", ".[train,dev]")
    return 0


def cuda_packages() -> list[str]:
    """Name the nvidia packages that torch would bring and that are not installed; nothing is installed here."""
    report = subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-", "-c", ALL, TORCH],
        capture_output=True,
        text=True,
        check=True,
    )
    names = [item["metadata"]["name"] for item in json.loads(report.stdout)["install"]]
    return sorted(name for name in names if name.startswith("nvidia-"))


def pip(*arguments: str) -> None:
    """Run the environment's own pip; its errors end the set-up."""
    subprocess.run([PYTHON, "-m", "pip", *arguments[:1], "--quiet", *arguments[1:]], check=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        print(f"set-up stopped: {' '.join(map(str, error.cmd))} failed", file=sys.stderr)
        sys.exit(1)
