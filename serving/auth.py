"""Who may come in: bearer keys, known by their SHA-256 alone, with names and scopes."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import ConfigError
from serving.problems import RequestFault

KEYS_VARIABLE = "STANCE_KEYS"
_PUBLIC = re.compile(r"/|/livez|/readyz|/docs|/page/.*|/docs/.*")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="stance"'}
_LOG = logging.getLogger(__name__)


class AccessScope(StrEnum):
    """What a key allows; `admin` allows all."""

    CLASSIFY = "classify"
    FEEDBACK_WRITE = "feedback:write"
    FEEDBACK_READ = "feedback:read"
    METRICS = "metrics"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """
    One key that is let in.

    Attributes:
        name: who holds it.
        digest: SHA-256 of the key, in hexadecimal.
    """

    name: str
    digest: str
    scopes: frozenset[AccessScope]

    def allows(self, scope: AccessScope) -> bool:
        """Claim that the key may do this."""
        return scope in self.scopes or AccessScope.ADMIN in self.scopes

    def as_line(self) -> str:
        """Give the key as it stands in a keys file."""
        return f"{self.name} {self.digest} {','.join(sorted(self.scopes))}"


def make_key(name: str, scopes: Iterable[AccessScope], secret: str | None = None) -> tuple[str, Key]:
    """Make a key, of 256 random bits where none is given; the first of the two is what its holder keeps."""
    chosen = secret or secrets.token_urlsafe(32)
    return chosen, Key(name, hashlib.sha256(chosen.encode()).hexdigest(), frozenset(scopes))


def parse_keys(text: str, place: str) -> list[Key]:
    """
    Read lines of `NAME SHA256 SCOPE,SCOPE`; blank lines and those that begin with # are passed over.

    Raises:
        ConfigError: a line of another form, an unknown scope, or a name given twice.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{place}:{number}"
        found = re.fullmatch(r"\s*([\w.-]{1,64})\s+([0-9a-f]{64})\s+(\S+)\s*", line, re.ASCII)
        if not found:
            # The line itself is not shown: someone may have written the key where its digest belongs.
            raise ConfigError(f"{where}: not `NAME SHA256 SCOPE,SCOPE`")
        name, digest, scopes = found.groups()
        if unknown := sorted(set(scopes.split(",")) - set(AccessScope)):
            raise ConfigError(f"{where}: scope {unknown[0]!r} is not one of {', '.join(AccessScope)}")
        if name in keys:
            raise ConfigError(f"{where}: a second key named {name}")
        keys[name] = Key(name, digest, frozenset(map(AccessScope, scopes.split(","))))
    return list(keys.values())


class KeyRing:
    """
    The keys that are let in; those in a file are read anew when the file changes.

    Args:
        fixed: `STANCE_KEYS` of the environment, lines as in a file.
        path: the keys file, or None.

    Raises:
        ConfigError: there is no key, or a line is not one.
    """

    def __init__(self, fixed: str, path: Path | None) -> None:
        self._fixed = parse_keys(fixed, KEYS_VARIABLE)
        self._path = path
        self._seen = self._stamp()
        self._keys = self._read()

    def find(self, secret: str) -> Key | None:
        """Find the key; the time that this takes says nothing about how near a wrong one was."""
        self._renew()
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        matches = [key for key in self._keys if hmac.compare_digest(key.digest, digest)]
        return matches[0] if matches else None

    def _renew(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._keys = self._read()
        except ConfigError as error:
            _LOG.error("keys are kept as they were: %s", error)
        else:
            _LOG.warning("keys read anew: %s", ", ".join(key.name for key in self._keys))

    def _read(self) -> list[Key]:
        keys = list(self._fixed)
        if self._path:
            try:
                keys += parse_keys(self._path.read_text(encoding="utf-8"), str(self._path))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{self._path}: cannot be read: {error}") from error
        if not keys:
            raise ConfigError(f"no key is let in: {KEYS_VARIABLE} and the keys file ({self._path or 'none'}) hold none")
        return keys

    def _stamp(self) -> tuple[int, int, int] | None:
        if not self._path:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


class Doorkeeper:
    """Lets a request in that has a key, or whose path holds no data; the key is then `scope["state"]["key"]`."""

    def __init__(self, app: ASGIApp, *, ring: KeyRing) -> None:
        self._app = app
        self._ring = ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or _PUBLIC.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            key = _identify(Headers(scope=scope), self._ring)
        except RequestFault as fault:
            await fault.as_response()(scope, receive, send)
            return
        scope.setdefault("state", {})["key"] = key
        await self._app(scope, receive, send)


def _identify(headers: Mapping[str, str], ring: KeyRing) -> Key:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        detail = "a key is asked for: Authorization: Bearer KEY"
        raise RequestFault(HTTPStatus.UNAUTHORIZED, detail, field="Authorization", headers=_CHALLENGE)
    key = ring.find(secret.strip())
    if not key:
        challenge = {"WWW-Authenticate": f'{_CHALLENGE["WWW-Authenticate"]}, error="invalid_token"'}
        raise RequestFault(HTTPStatus.UNAUTHORIZED, "this key is not known", field="Authorization", headers=challenge)
    return key


def require(key: Key, scope: AccessScope) -> None:
    """
    Refuse what a key does not allow.

    Raises:
        RequestFault: 403, with the scope that is missing.
    """
    if not key.allows(scope):
        detail = f"the key {key.name} does not allow {scope}"
        raise RequestFault(HTTPStatus.FORBIDDEN, detail, field="Authorization")
