"""configs/deploy/nginx.conf with Debian's nginx: what the bare server does not refuse never reaches it."""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.load.clients import request_bytes
from tests.load.served import ROOT, SECRET, Served, free_port

pytestmark = pytest.mark.deploy
GOOD = request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": "We agree to it."}]})
BOTH_LENGTHS = GOOD.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length")


@dataclass(frozen=True)
class Site:
    """nginx before a service, and the ports of both."""

    tls: int
    bare: int

    def open(self, *, through_nginx: bool = True) -> socket.socket:
        """Open a connection."""
        plain = socket.create_connection(("127.0.0.1", self.tls if through_nginx else self.bare), timeout=15)
        if not through_nginx:
            return plain
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(plain)

    def answer(self, request: bytes, *, through_nginx: bool = True) -> bytes:
        """Send a request and give the answer's first bytes."""
        with closing(self.open(through_nginx=through_nginx)) as connection:
            connection.sendall(request)
            return connection.recv(65536)


def _write_site(folder: Path, tls: int, bare: int) -> Path:
    """Put the site's names, files and ports in the place of the examples, and nothing else."""
    subject = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stance.example"]
    files = ["-keyout", str(folder / "stance.key"), "-out", str(folder / "stance.crt")]
    subprocess.run(["openssl", "req", *subject, *files], check=True, capture_output=True)
    site = (ROOT / "configs" / "deploy" / "nginx.conf").read_text()
    for before, after in (
        ("127.0.0.1:3000", f"127.0.0.1:{bare}"),
        ("listen 443", f"listen 127.0.0.1:{tls}"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("/etc/ssl/", f"{folder}/"),
    ):
        assert before in site
        site = site.replace(before, after)
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    main = f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
    path = folder / "nginx.conf"
    path.write_text(main + f"http {{ access_log off; {temporary} include {folder}/site.conf; }}\n")
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Iterator[Site]:
    """Run both for the tests of this file."""
    folder = tmp_path_factory.mktemp("nginx")
    served = Served(folder / "service", model=tiny_folder)
    site = Site(free_port(), served.port)
    config = _write_site(folder, site.tls, site.bare)
    subprocess.run(["nginx", "-t", "-q", "-c", config], check=True)
    process = subprocess.Popen(["nginx", "-c", config])
    time.sleep(1)
    yield site
    process.terminate()
    process.wait(10)
    served.stop()


def test_a_request_comes_through(site: Site) -> None:
    """With the service's headers, and with that of TLS."""
    answer = site.answer(GOOD)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"strict-transport-security: max-age" in answer.lower()
    assert b"x-content-type-options: nosniff" in answer.lower()


def _is_cut_within(connection: socket.socket, seconds: float) -> bool:
    """Send one byte of a header twice a second; claim that the connection was ended within the time."""
    deadline = time.monotonic() + seconds
    connection.settimeout(0.5)
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"x")
            if connection.recv(1000) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def test_unfinished_headers_are_cut_off(site: Site) -> None:
    """At the limit of 3 s; control: the bare server goes on waiting, which is why nginx stands before it."""
    start = b"GET /livez HTTP/1.1\r\nX-Long: "
    with closing(site.open()) as connection:
        connection.sendall(start)
        assert _is_cut_within(connection, 5)
    with closing(site.open(through_nginx=False)) as connection:
        connection.sendall(start)
        assert not _is_cut_within(connection, 5)


def test_two_lengths_are_refused(site: Site) -> None:
    """Content-Length beside Transfer-Encoding is 400; the next request of another client is its own."""
    assert site.answer(BOTH_LENGTHS).startswith(b"HTTP/1.1 400 ")
    assert site.answer(GOOD).startswith(b"HTTP/1.1 200 ")


def test_a_body_above_the_limit_is_refused_by_its_length(site: Site) -> None:
    """Before it is sent."""
    request = re.sub(rb"Content-Length: \d+", b"Content-Length: 4194305", GOOD)
    assert site.answer(request).startswith(b"HTTP/1.1 413 ")


def test_connections_of_one_address_are_bounded(site: Site) -> None:
    """32 with a request under way; the 33rd is told 429 and when to come back, and taken once there is room."""
    part = re.sub(rb"Content-Length: \d+", b"Content-Length: 1000", GOOD)
    with ExitStack() as stack:
        for _ in range(32):
            stack.enter_context(closing(site.open())).sendall(part)
        time.sleep(0.5)
        answer = site.answer(GOOD)
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 5" in answer.lower()
        assert b"application/problem+json" in answer
    time.sleep(0.5)
    assert site.answer(GOOD).startswith(b"HTTP/1.1 200 ")


def test_slow_bodies_hold_nothing_of_the_service(site: Site) -> None:
    """Beside 30 that stall, the bare service answers at once; they are cut off at the limit."""
    part = re.sub(rb"Content-Length: \d+", b"Content-Length: 1000", GOOD)
    with ExitStack() as stack:
        stalled = [stack.enter_context(closing(site.open())) for _ in range(30)]
        for connection in stalled:
            connection.sendall(part)
        begun = time.monotonic()
        assert site.answer(GOOD, through_nginx=False).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - begun < 1
        answers = [connection.recv(1000) for connection in stalled]
        assert time.monotonic() - begun < 6
        assert all(answer == b"" or answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
