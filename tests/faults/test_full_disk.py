"""A disk that is full loses no correction that was confirmed, and takes none that it cannot keep."""

import json
import resource
from collections.abc import Sequence

import pytest

from serving.examples import CORRECTION
from tests.faults.conftest import Serve
from tests.load.served import Served

# As large as any file of a worker may grow from then on; the kernel refuses to write beyond it.
FULL = 400_000


def _limit(served: Served, most: int) -> None:
    for pid in served.workers():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def _send(served: Served, count: int) -> tuple[list[str], list[int]]:
    """Send corrections; give the ids that were confirmed, and every status."""
    confirmed, statuses = [], []
    for number in range(count):
        content = {**CORRECTION, "statement": f"{number} " + "x" * 3900, "condition": None}
        response = served.ask("POST", "/v1/feedback", content)
        statuses.append(response.status_code)
        if response.status_code == 201:
            confirmed.append(response.json()["id"])
        else:
            assert response.headers["retry-after"]
    return confirmed, statuses


def _check(served: Served, confirmed: Sequence[str], statuses: Sequence[int]) -> None:
    """The disk was full; what was confirmed is exported, and nothing else; statements are still answered."""
    assert {201, 503} == set(statuses)
    rows = served.ask("GET", "/v1/feedback").text.splitlines()
    assert list(confirmed) == [json.loads(row)["id"] for row in rows]
    assert 200 == served.ask("POST", "/v1/classify", {"statements": [{"text": "We agree."}]}).status_code


def test_a_full_disk_costs_no_confirmed_correction(serve: Serve, is_long: bool) -> None:  # noqa: FBT001
    """503 while it is full, and 201 again when there is room."""
    served = serve()
    count = 600 if is_long else 90
    _limit(served, FULL)
    confirmed, statuses = _send(served, count)
    _check(served, confirmed, statuses)
    _limit(served, resource.RLIM_INFINITY)
    more, after = _send(served, 5)
    assert [201] * 5 == after
    _check(served, [*confirmed, *more], [*statuses, *after])


def test_a_disk_with_room_and_a_lost_correction_would_be_found(serve: Serve) -> None:
    """Negative control: nothing is full without the limit; an id that is not on disk is missed."""
    served = serve()
    confirmed, statuses = _send(served, 20)
    with pytest.raises(AssertionError):
        _check(served, confirmed, statuses)
    with pytest.raises(AssertionError):
        _check(served, [*confirmed, "an id that was confirmed and lost"], [*statuses, 503])
