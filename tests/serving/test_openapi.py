"""One document says all that a client's author needs."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from serving.config import read_serve_config
from serving.openapi import describe_service
from serving.routes import PAGE

DOCUMENT = describe_service(read_serve_config({}).limits)
METHODS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def _schema(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]})


def test_the_document_is_valid_openapi_3_1(client: TestClient) -> None:
    """As served, by openapi-spec-validator."""
    served = client.get("/openapi.json").json()
    assert json.loads(json.dumps(DOCUMENT)) == served
    validate(served)


def test_every_status_of_the_service_is_described() -> None:
    """The fourteen errors, each somewhere, each with an example of its own."""
    statuses = {status for path, method in METHODS for status in DOCUMENT["paths"][path][method]["responses"]}
    errors = {"400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429", "431", "500", "503"}
    assert errors == {status for status in statuses if status >= "400"}


@pytest.mark.parametrize(("path", "method"), METHODS)
def test_every_example_fits_its_schema(path: str, method: str) -> None:
    """Bodies and answers alike."""
    operation = DOCUMENT["paths"][path][method]
    holders = [*operation["responses"].values(), operation.get("requestBody", {})]
    contents = [content for holder in holders for content in holder.get("content", {}).values()]
    examples = [content for content in contents if "example" in content]
    assert examples
    for content in examples:
        _schema(content["schema"]["$ref"].rpartition("/")[2]).validate(content["example"])


def test_what_is_answered_fits_what_is_described(client: TestClient) -> None:
    """Answers with and without faulty items, the model's card, and a problem."""
    answer = client.post("/v1/classify", json={"statements": [{"text": "We agree to it."}, {"text": 3}]})
    _schema("ClassifyAnswer").validate(answer.json())
    _schema("ModelCard").validate(client.get("/v1/model").json())
    _schema("Problem").validate(client.get("/nothing").json())


def test_the_docs_page_is_of_local_files_alone(client: TestClient) -> None:
    """Open without a key, every file that it names is there, none is on another host."""
    asker = TestClient(client.app)
    page = asker.get("/docs")
    assert 200 == page.status_code
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/page/key.js", "/page/docs.js"):
        assert f'"{name}"' in page.text
        assert 200 == asker.get(name).status_code
    assert "://" not in page.text
    assert "://" not in Path(PAGE / "docs.js").read_text()
    assert 404 == asker.get("/docs/index.css").status_code
