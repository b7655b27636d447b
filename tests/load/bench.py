"""`python -m tests.load.bench`: the service beside other servers of the same model, all in one run."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from serving.auth import AccessScope, make_key
from tests.load.clients import Client, closed_loop, percentile, request_bytes
from tests.load.served import ROOT, SECRET, free_port

CLIENTS = (1, 8, 32)
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Peer:
    """
    A server to be measured.

    Attributes:
        command: with {port} where its port belongs.
        path: where it takes statements; `is_ours` claims that bodies have our shape and need a key.
        copies: how often it is started; clients are shared out evenly among them.
    """

    name: str
    command: Sequence[str]
    path: str
    is_ours: bool = False
    copies: int = 1
    given: Mapping[str, str] = field(default_factory=dict)

    def requests(self, texts: Sequence[str]) -> list[bytes]:
        """Write a request for each text."""
        if self.is_ours:
            bodies: list[object] = [{"statements": [{"text": text}]} for text in texts]
        else:
            bodies = [{"input": [text], "model": "stance"} for text in texts]
        return [request_bytes(self.path, secret=SECRET if self.is_ours else "", content=body) for body in bodies]


def _peers(options: argparse.Namespace, folder: Path) -> list[Peer]:
    python = sys.executable
    config = folder / "serve.toml"
    settings = (ROOT / "configs" / "serve.toml").read_text().replace("sqlite:///runs", f"sqlite:///{folder}")
    config.write_text(settings)
    key = make_key("bench", [AccessScope.CLASSIFY], SECRET)[1].as_line()
    local = {"STANCE_KEYS": key, "STANCE_CONFIG": str(config), "BENTOML_DO_NOT_TRACK": "True"}
    bento = [
        python,
        "-m",
        "bentoml",
        "serve",
        "serving.service:StanceService",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
    ]
    # Two servers of one process each: two workers of one share out connections as chance will have it, and answer
    # over sockets that wait 40 ms for a whole packet.
    bare = [python, "-m", "uvicorn", "tests.load.peers.bare:app", "--port", "{port}"]
    quiet = ["--log-level", "error"]
    peers = [
        Peer("the service", bento, "/v1/classify", is_ours=True, given={**local, "BENTOML_HOME": str(folder)}),
        Peer("bare sketch, same engine, 2 processes", [*bare, *quiet], "/", is_ours=True, copies=2),
    ]
    if options.peers_python:
        where = ["--app-dir", str(PEERS), "--port", "{port}", *quiet]
        pipeline = [options.peers_python, "-m", "uvicorn", "pipeline:app", *where]
        given = {"NETWORK": str(options.network)}
        peers.append(Peer("FastAPI + transformers pipeline", pipeline, "/classify", given=given))
        program = str(Path(options.peers_python).parent / "infinity_emb")
        named = ["--served-model-name", "stance", "--url-prefix", "", "--port", "{port}", *quiet]
        # Its warm-up is longer than the model's table of positions.
        engine = ["--engine", "optimum", "--device", "cpu", "--no-model-warmup"]
        infinity = [program, "v2", "--model-id", str(options.onnx), *engine, *named]
        offline = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"}
        peers.append(Peer("Infinity, ONNX int8", infinity, "/classify", given=offline))
    return peers


def _tree(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(inner for child in found for inner in _tree(int(child)))]


def _mib(pid: int, kind: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def _cpu_seconds(pids: Sequence[int]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in fields) / os.sysconf("SC_CLK_TCK")


async def _measure(peer: Peer, ports: Sequence[int], texts: Sequence[str], seconds: float, clients: int) -> list[float]:
    """Give requests a second, p50 and p99 in ms, and the number of requests."""
    begun = time.monotonic()
    until = begun + seconds
    shares = [len(range(place, clients, len(ports))) for place in range(len(ports))]
    loops = [
        closed_loop(port, peer.requests(texts), clients=share, goes_on=lambda: time.monotonic() < until)
        for port, share in zip(ports, shares, strict=True)
    ]
    sent = [one for part in await asyncio.gather(*loops) for one in part]
    assert {200} == {one.status for one in sent}, f"{peer.name}: {[one for one in sent if one.status != 200][:1]}"
    taken = [one.seconds() for one in sent]
    rate = len(sent) / (max(one.ended for one in sent) - begun)
    return [rate, 1000 * percentile(taken, 0.5), 1000 * percentile(taken, 0.99), len(sent)]


async def _wait_for_answer(peer: Peer, port: int, text: str, process: subprocess.Popen[bytes], log: Path) -> None:
    (request,) = peer.requests([text])
    while process.poll() is None:
        async with Client(port) as client:
            if (await client.ask(request)).status == 200:
                return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{peer.name} ended before it answered: {log.read_text()[-2000:]}")


def _start(peer: Peer, port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [part.replace("{port}", str(port)) for part in peer.command],
        cwd=ROOT,
        env={**os.environ, **peer.given},
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _run(peer: Peer, texts: Sequence[str], seconds: float, log: Path) -> dict[str, object]:
    ports = [free_port() for _ in range(peer.copies)]
    begun = time.monotonic()
    with log.open("wb") as output:
        servers = [_start(peer, port, output) for port in ports]
    try:
        for port, server in zip(ports, servers, strict=True):
            asyncio.run(_wait_for_answer(peer, port, texts[0], server, log))
        start = time.monotonic() - begun
        # Both workers must have begun, and every one is warm.
        asyncio.run(_measure(peer, ports, texts, 3, 8))
        processes = [pid for server in servers for pid in _tree(server.pid)]
        busy = -_cpu_seconds(processes)
        rows = {clients: asyncio.run(_measure(peer, ports, texts, seconds, clients)) for clients in CLIENTS}
        busy += _cpu_seconds(processes)
        total = sum(_mib(pid, "Pss:") for pid in processes)
        largest = max(_mib(pid, "Rss:") for pid in processes)
    finally:
        for pid in [pid for server in servers for pid in reversed(_tree(server.pid))]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for server in servers:
            server.wait(60)
    return {"name": peer.name, "start": start, "mib": total, "largest": largest, "rows": rows, "busy": busy}


def _line(result: Mapping[str, object]) -> str:
    rows: Mapping[int, Sequence[float]] = result["rows"]  # type: ignore[assignment]
    rates = " | ".join(f"{rows[clients][0]:.1f}" for clients in CLIENTS)
    times = " | ".join(f"{rows[clients][1]:.0f} / {rows[clients][2]:.0f}" for clients in CLIENTS)
    # A busy neighbour on the same cores changes what a second holds; what a request costs it hardly changes.
    cost = f"{1000 * float(str(result['busy'])) / sum(row[3] for row in rows.values()):.1f}"
    memory = f"{result['mib']:.0f} | {result['largest']:.0f} | {result['start']:.1f}"
    return f"| {result['name']} | {rates} | {times} | {cost} | {memory} |\n"


def main() -> int:
    """Measure all, one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="for each number of clients")
    parser.add_argument("--peers-python", default="", help="of a venv with infinity-emb, fastapi and torch")
    parser.add_argument("--network", type=Path, default=ROOT / "runs" / "network")
    parser.add_argument("--onnx", type=Path, help="what tests/load/peers/mean_mpnet.py wrote")
    options = parser.parse_args()
    files = sorted((ROOT / "training" / "statements").glob("*.jsonl"))
    texts = [json.loads(line)["text"] for file in files for line in file.read_text().splitlines()][:400]
    sys.stdout.write(f"{os.cpu_count()} cores; load before the run {os.getloadavg()[0]:.1f}\n")
    sys.stdout.write("| server | requests/s at 1 | 8 | 32 | p50 / p99 ms at 1 | 8 | 32 |")
    sys.stdout.write(" CPU ms a request | MiB, all (PSS) | largest process (RSS) | start s |\n")
    with TemporaryDirectory() as name:
        for peer in _peers(options, Path(name)):
            result = _run(peer, texts, options.seconds, Path(name) / "log")
            sys.stdout.write(_line(result))
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
