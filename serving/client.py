"""A client of the service, sync and async: batches of what the service takes, and patience as it asks for it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx
from pydantic import ValidationError

from models.errors import DetenteError
from serving.shapes import ClassifyAnswer, Scored, Unscored

AT_ONCE = 64
_RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_LONGEST_WAIT = 60.0


class ServiceError(DetenteError):
    """
    The service refused a request, or could not be reached.

    Attributes:
        status: the HTTP status; None where there was no answer.
    """

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


class StanceClient:
    """
    Asks a service.

    Args:
        url: as `https://stance.example`.
        attempts: how often a request is sent where the service is busy or cannot be reached.
        seconds: how long to wait for one answer.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        attempts: int = 5,
        seconds: float = 60,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._attempts = attempts
        self._http = httpx.Client(base_url=url, headers=_headers(key), timeout=seconds, transport=transport)

    def classify(self, statements: Sequence[str], *, coverage: float | None = None) -> list[Scored | Unscored]:
        """
        Give one answer for each statement, in order, however many there are.

        Args:
            coverage: answers abstain unless one stance alone remains possible at this coverage.

        Raises:
            ServiceError: the service refused, or stayed busy or out of reach through all attempts.
        """
        return [answer for body in _bodies(statements, coverage) for answer in self._ask(body)]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def _ask(self, body: dict[str, object]) -> list[Scored | Unscored]:
        for attempt in range(1, self._attempts + 1):
            try:
                response = self._http.post("/v1/classify", json=body)
            except httpx.TransportError as error:
                wait = _wait_unreached(error, attempt, self._attempts)
            else:
                if response.status_code not in _RETRIED or attempt == self._attempts:
                    return _read(response)
                wait = _wait_busy(response, attempt)
            time.sleep(wait)
        raise ServiceError("no attempt was allowed")


class AsyncStanceClient:
    """Asks a service, as StanceClient does, in an event loop."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        attempts: int = 5,
        seconds: float = 60,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._attempts = attempts
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(key), timeout=seconds, transport=transport)

    async def classify(self, statements: Sequence[str], *, coverage: float | None = None) -> list[Scored | Unscored]:
        """
        Give one answer for each statement, in order, however many there are.

        Args:
            coverage: answers abstain unless one stance alone remains possible at this coverage.

        Raises:
            ServiceError: the service refused, or stayed busy or out of reach through all attempts.
        """
        return [answer for body in _bodies(statements, coverage) for answer in await self._ask(body)]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, body: dict[str, object]) -> list[Scored | Unscored]:
        for attempt in range(1, self._attempts + 1):
            try:
                response = await self._http.post("/v1/classify", json=body)
            except httpx.TransportError as error:
                wait = _wait_unreached(error, attempt, self._attempts)
            else:
                if response.status_code not in _RETRIED or attempt == self._attempts:
                    return _read(response)
                wait = _wait_busy(response, attempt)
            await asyncio.sleep(wait)
        raise ServiceError("no attempt was allowed")


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _bodies(statements: Sequence[str], coverage: float | None) -> Iterator[dict[str, object]]:
    options = {} if coverage is None else {"options": {"coverage": coverage}}
    for start in range(0, len(statements), AT_ONCE):
        yield {"statements": [{"text": text} for text in statements[start : start + AT_ONCE]], **options}


def _wait_unreached(error: httpx.TransportError, attempt: int, attempts: int) -> float:
    if attempt == attempts:
        raise ServiceError(f"the service was not reached in {attempts} attempts: {error}") from error
    return _doubled(attempt)


def _wait_busy(response: httpx.Response, attempt: int) -> float:
    """Give the seconds that the service asked for; where it asked for none, twice as long each time."""
    asked = response.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isdecimal() else _doubled(attempt)


def _doubled(attempt: int) -> float:
    return min(0.25 * 2.0 ** (attempt - 1), _LONGEST_WAIT)


def _read(response: httpx.Response) -> list[Scored | Unscored]:
    try:
        content = response.json()
        if response.is_success:
            return list(ClassifyAnswer.model_validate(content).answers)
        detail = str(content["detail"])
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise ServiceError("what answered is no stance service", response.status_code) from error
    raise ServiceError(f"{response.status_code}: {detail}", response.status_code)
