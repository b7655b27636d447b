"""`python -m tests.contract.fuzz`: ask a running service what /openapi.json allows and forbids, over and over."""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.load.served import SECRET, Served

_HERE = Path(__file__).parent
# How many cases are asked, as its own summary says.
_GENERATED = re.compile(r"(\d+) generated")


def main() -> int:
    """Run schemathesis; 0 where at least as many cases as asked for ran and none failed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="cases, at least")
    parser.add_argument("--seed", type=int, default=20261125)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        served = Served(Path(name) / "service")
        try:
            code, cases = _fuzz(served.port, examples=max(10, options.cases // 10), seed=options.seed, folder=name)
        finally:
            served.stop()
    sys.stdout.write(f"{cases} cases, schemathesis ended with {code}\n")
    return int(code != 0 or cases < options.cases)


def _fuzz(port: int, *, examples: int, seed: int, folder: str) -> tuple[int, int]:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_HERE / "schemathesis.toml"), "run"]
    command += [f"http://127.0.0.1:{port}/openapi.json", "--header", f"Authorization: Bearer {SECRET}"]
    command += ["--max-examples", str(examples), "--seed", str(seed)]
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(ran.stdout)
    found = _GENERATED.search(ran.stdout)
    return ran.returncode, int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
