"""`python -m tests.load.overload`: ten times as many requests as can be answered, and what becomes of them."""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.load.clients import Client, Sent, closed_loop, open_loop, percentile, request_bytes
from tests.load.served import SECRET, Served

_TEXTS = [f"We will answer note {number} once the {number}th prisoner is home." for number in range(64)]
_ONES = [request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": text}]}) for text in _TEXTS]
_WHOLE = request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": text} for text in _TEXTS]})


async def _rate(port: int, seconds: float) -> float:
    begun = time.monotonic()
    sent = await closed_loop(port, _ONES, clients=16, goes_on=lambda: time.monotonic() < begun + seconds)
    return len([one for one in sent if one.status == 200]) / (max(one.ended for one in sent) - begun)


async def _unloaded(port: int) -> float:
    """Give the 99th percentile of a request of 64 statements that is alone."""
    async with Client(port) as client:
        return percentile([(await client.ask(_WHOLE)).seconds() for _ in range(8)], 0.99)


def _mib(served: Served) -> float:
    lines = [Path(f"/proc/{pid}/status").read_text().splitlines() for pid in served.workers()]
    return max(int(line.split()[1]) / 1024 for status in lines for line in status if line.startswith("VmRSS"))


async def _watch(served: Served, until: float) -> list[float]:
    """Give each second the MiB of the greatest worker."""
    taken = []
    while time.monotonic() < until:
        await asyncio.sleep(1)
        taken.append(_mib(served))
    return taken


def _faults(
    sent: Sequence[Sent], live: Sequence[Sent], *, bound: float, held: Sequence[float], again: float
) -> list[str]:
    # Buffers of the connections come with the first seconds, and are not growth.
    growth = held[-1] - held[len(held) // 3]
    accepted = [one.seconds() for one in sent if one.status == 200]
    refused = [one for one in sent if one.status == 429]
    slowest = max(one.seconds() for one in live)
    p99 = percentile(accepted, 0.99)
    statuses = dict(Counter(one.status for one in sent))
    sys.stdout.write(f"{len(sent)} sent: {statuses}; accepted p50 {percentile(accepted, 0.5):.2f} s, p99 {p99:.2f} s\n")
    sys.stdout.write(f"/livez p99 {1000 * percentile([one.seconds() for one in live], 0.99):.0f} ms, ")
    slow = sum(one.seconds() > 0.05 for one in live)
    sys.stdout.write(f"slowest {1000 * slowest:.0f} ms, {slow} of {len(live)} over 50 ms; ")
    sys.stdout.write(f"memory {held[0]:.0f} to {held[-1]:.0f} MiB, {growth:+.1f} in the last two thirds; ")
    sys.stdout.write(f"afterwards {again:.2f} of the rate\n")
    checks = {
        f"p99 of what was accepted is {p99:.2f} s, over {bound:.2f} s": p99 > bound,
        "a status beside 200 and 429": set(statuses) != {200, 429},
        "a 429 without Retry-After": not all(one.retry_after.isdecimal() for one in refused),
        f"/livez took {1000 * slowest:.0f} ms": slowest > 0.05 or {one.status for one in live} != {200},
        f"memory grew by {growth:.1f} MiB": growth > 8,
        f"only {again:.2f} of the rate two seconds later": again < 0.8,
    }
    return [fault for fault, is_so in checks.items() if is_so]


async def _run(served: Served, seconds: float) -> list[str]:
    port = served.port
    capacity, whole = await _rate(port, 8), await _unloaded(port)
    bound = max(1.0, 2 * whole)
    sys.stdout.write(f"{os.cpu_count()} cores; {capacity:.1f} requests/s; 64 statements alone: p99 {whole:.2f} s\n")
    held, begun = [_mib(served)], time.monotonic()
    watch = asyncio.create_task(_watch(served, begun + seconds))
    probes = asyncio.create_task(
        closed_loop(
            port,
            [request_bytes("/livez")],
            clients=1,
            goes_on=lambda: time.monotonic() < begun + seconds,
            pause=0.1,
        )
    )
    sent = await open_loop(port, _ONES, rate=10 * capacity, seconds=seconds)
    held += await watch
    live = await probes
    await asyncio.sleep(2)
    again = await _rate(port, 8) / capacity
    return _faults(sent, live, bound=bound, held=held, again=again)


def main() -> int:
    """Serve, flood and measure; 1 with the reasons where something was not kept."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        served = Served(Path(name))
        try:
            faults = asyncio.run(_run(served, options.seconds))
        finally:
            served.stop()
    sys.stdout.write("".join(f"FAULT: {fault}\n" for fault in faults))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
