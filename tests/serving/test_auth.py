"""Nobody comes in without a key, and a key allows what its scopes say."""

import hashlib
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models.errors import ConfigError
from serving.auth import AccessScope, KeyRing, make_key, parse_keys
from serving.launch import _first_lines, new_key
from tests.serving.conftest import MakeClient, bearer

GOOD = {"statements": [{"text": "We agree to it."}]}
DIGEST = hashlib.sha256(b"a").hexdigest()


def test_each_path_without_data_is_open_and_every_other_is_not(client: TestClient) -> None:
    """Deny by default: a path that nobody thought of asks for a key too."""
    client = TestClient(client.app)
    assert [401] * 5 == [
        client.get(path).status_code for path in ("/v1/model", "/metrics", "/openapi.json", "/healthz", "/v2")
    ]
    assert [200, 200, 200] == [client.get(path).status_code for path in ("/", "/livez", "/page/page.css")]
    challenge = client.get("/v1/model").headers["www-authenticate"]
    assert 'Bearer realm="stance"' == challenge


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic c2VjcmV0", "secret-of-classify", "Bearer \udcff"])
def test_what_is_no_known_key_is_refused(client: TestClient, header: str) -> None:
    """Another scheme, no key, a key without its scheme, bytes that are no text."""
    raw = {"Authorization": header.encode("utf-8", "surrogateescape")}
    assert client.get("/v1/model", headers=raw).status_code == 401


@pytest.mark.parametrize("scope", list(AccessScope))
def test_a_key_allows_its_scope_and_no_other(client: TestClient, scope: AccessScope) -> None:
    """`admin` allows all; what a model is, every key may ask."""
    classify = client.post("/v1/classify", json=GOOD, headers=bearer(scope))
    assert (200 if scope in ("classify", "admin") else 403) == classify.status_code
    metrics = client.get("/metrics", headers=bearer(scope))
    assert (200 if scope in ("metrics", "admin") else 403) == metrics.status_code
    assert client.get("/v1/model", headers=bearer(scope)).status_code == 200


def test_keys_change_without_a_restart_and_a_torn_file_changes_nothing(make_client: MakeClient, tmp_path: Path) -> None:
    """A new key is let in and an old one is not, from the next request on; a file that cannot be read keeps both."""
    path = tmp_path / "keys"
    path.write_text(make_key("first", [AccessScope.CLASSIFY], "old")[1].as_line())
    client = make_client(access={"keys_file": str(path)})

    def status(secret: str) -> int:
        return client.get("/v1/model", headers={"Authorization": f"Bearer {secret}"}).status_code

    def write(text: str) -> None:
        neighbour = path.with_suffix(".part")
        neighbour.write_text(text)
        neighbour.replace(path)

    assert (200, 401) == (status("old"), status("new"))
    write("# changed\n" + make_key("second", [AccessScope.CLASSIFY], "new")[1].as_line())
    assert (401, 200) == (status("old"), status("new"))
    write("second torn")
    assert (401, 200) == (status("old"), status("new"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a", "keys:2: not `NAME SHA256 SCOPE,SCOPE`"),
        (f"a {DIGEST}", "keys:2: not"),
        ("a plain-key classify", "keys:2: not"),
        (f"a {DIGEST} classify,read", "keys:2: scope 'read' is not one of classify, "),
        (f"a {DIGEST} classify\na {DIGEST} admin", "keys:3: a second key named a"),
    ],
)
def test_a_line_that_is_no_key_is_named_and_not_shown(line: str, message: str) -> None:
    """File, line and fault; not the line, which may hold a key as it is."""
    with pytest.raises(ConfigError) as caught:
        parse_keys(f"# keys\n{line}", "keys")
    assert str(caught.value).startswith(message)
    assert "plain-key" not in str(caught.value)


def test_without_a_key_nothing_starts(tmp_path: Path) -> None:
    """No keys at all, and a keys file that is not there."""
    with pytest.raises(ConfigError, match="no key is let in"):
        KeyRing("", None)
    with pytest.raises(ConfigError, match="cannot be read"):
        KeyRing("", tmp_path / "none")


def test_the_start_prints_the_key_that_it_was_given_or_makes_one(make_client: MakeClient) -> None:
    """Exactly two lines; the environment that the service gets has the digest alone."""
    config = make_client().worker.config  # type: ignore[attr-defined]
    environment = {"STANCE_API_KEY": "0123456789abcde+"}
    lines = _first_lines(config, environment)
    assert ["key: 0123456789abcde+", "open: http://127.0.0.1:3000/#key=0123456789abcde%2B"] == lines
    assert ["STANCE_KEYS"] == list(environment)
    assert KeyRing(environment["STANCE_KEYS"], None).find("0123456789abcde+")
    made = [_first_lines(config, {})[0] for _ in range(2)]
    assert made[0] != made[1]
    assert [] == _first_lines(config, {"STANCE_KEYS": f"a {DIGEST} classify"})
    with pytest.raises(ConfigError, match="16 or more"):
        _first_lines(config, {"STANCE_API_KEY": "short"})


def test_a_new_key_is_the_one_of_its_line() -> None:
    """What the command prints fits together, and an unknown scope is refused."""
    secret, key = new_key("desk", "classify,metrics")
    found = KeyRing(key.as_line(), None).find(secret)
    assert found
    assert ("desk", {"classify", "metrics"}) == (found.name, set(found.scopes))
    with pytest.raises(ConfigError, match="scope 'read' is not one of"):
        new_key("desk", "classify,read")


def test_other_sites_are_let_in_only_where_they_are_listed(client: TestClient, make_client: MakeClient) -> None:
    """The preflight is answered before a key is asked; a site that is not listed gets no word of consent."""
    listed = make_client(access={"origins": ("https://desk.example",)})
    ask = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST", "Authorization": ""}
    preflight = listed.options("/v1/classify", headers=ask)
    assert preflight.status_code == 200
    assert "https://desk.example" == preflight.headers["access-control-allow-origin"]
    refused = listed.options("/v1/classify", headers={**ask, "Origin": "https://other.example"})
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    for other in (client.options("/v1/classify", headers=ask), refused):
        assert "access-control-allow-origin" not in other.headers
