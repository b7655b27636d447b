"""`python -m tests.load.soak`: minutes of mixed traffic, after which a worker holds no more than before."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from serving.examples import CORRECTION
from tests.load.clients import Sent, closed_loop, request_bytes
from tests.load.served import SECRET, Served

_EVERY_SECONDS = 5.0
# Caches and pools fill first.
_WARM_UP = 0.4
_MIB_AN_HOUR = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a worker holds at a moment, in MiB and in numbers."""

    seconds: float
    mib: float
    descriptors: int
    threads: int


def _requests() -> list[bytes]:
    """Write the traffic: short and long, good and bad, a correction, the probes."""

    def classify(*texts: object) -> bytes:
        content = {"statements": [{"text": text} for text in texts]}
        return request_bytes("/v1/classify", secret=SECRET, content=content)

    short = [classify(f"We will answer note {n} once the {n}th prisoner is home.") for n in range(12)]
    return [
        *short,
        classify(*[f"We reject note {n}." for n in range(8)], "", 7),
        classify("We welcome the envoys of our neighbour. " * 90),
        request_bytes("/v1/classify", secret="wrong", content={"statements": []}),
        request_bytes("/v1/classify", secret=SECRET, content={"statements": []}),
        request_bytes("/v1/feedback", secret=SECRET, content=CORRECTION),
        request_bytes("/v1/model", secret=SECRET),
        request_bytes("/metrics", secret=SECRET),
        request_bytes("/readyz"),
    ]


def _read(pid: int, seconds: float) -> Reading:
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    mib = int(status["VmRSS"].split()[0]) / 1024
    return Reading(seconds, mib, len(list((process / "fd").iterdir())), int(status["Threads"]))


async def _watch(served: Served, seconds: float) -> tuple[dict[int, list[Reading]], list[Sent]]:
    begun = time.monotonic()
    load = asyncio.create_task(
        closed_loop(served.port, _requests(), clients=3, goes_on=lambda: time.monotonic() < begun + seconds, pause=0.02)
    )
    readings: dict[int, list[Reading]] = {pid: [] for pid in served.workers()}
    while not load.done():
        await asyncio.sleep(_EVERY_SECONDS)
        for pid, taken in readings.items():
            taken.append(_read(pid, time.monotonic() - begun))
    return readings, await load


def slope(readings: Sequence[Reading]) -> float:
    """Give by how many MiB an hour the memory grows, by least squares."""
    middle = sum(one.seconds for one in readings) / len(readings)
    mean = sum(one.mib for one in readings) / len(readings)
    spread = sum((one.seconds - middle) ** 2 for one in readings)
    return 3600 * sum((one.seconds - middle) * (one.mib - mean) for one in readings) / spread


def _faults(readings: Mapping[int, Sequence[Reading]]) -> list[str]:
    faults = []
    for pid, taken in readings.items():
        late = [one for one in taken if one.seconds > _WARM_UP * taken[-1].seconds]
        growth = slope(late)
        kinds = {"descriptors": [one.descriptors for one in late], "threads": [one.threads for one in late]}
        sys.stdout.write(f"worker {pid}: {late[0].mib:.1f} -> {late[-1].mib:.1f} MiB, {growth:+.2f} MiB an hour; ")
        sys.stdout.write(", ".join(f"{min(n)} to {max(n)} {kind}" for kind, n in kinds.items()) + "\n")
        if growth >= _MIB_AN_HOUR:
            faults.append(f"worker {pid} grows by {growth:.2f} MiB an hour")
        third = len(late) // 3
        faults += [f"worker {pid}: {kind} rise" for kind, n in kinds.items() if min(n[-third:]) > max(n[:third])]
    return faults


def main() -> int:
    """Serve, ask and measure; 1 with the reasons where something grows, or was not answered."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        served = Served(Path(name))
        try:
            readings, sent = asyncio.run(_watch(served, 60 * options.minutes))
            is_same = set(readings) == set(served.workers())
        finally:
            served.stop()
    statuses = Counter(one.status for one in sent)
    sys.stdout.write(f"{options.minutes:g} minutes, {len(sent)} requests: {dict(sorted(statuses.items()))}\n")
    faults = _faults(readings)
    faults += [] if is_same else ["a worker was replaced"]
    # On a machine with other work a queue may fill: that is told, and no fault.
    faults += [] if set(statuses) - {429} == {200, 201, 400, 401} else ["statuses that were not to come"]
    sys.stdout.write("".join(f"FAULT: {fault}\n" for fault in faults))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
