"""Tables in a bucket, on an S3 server of our own."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from serving.__main__ import main


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    given = {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}
    for name, value in {**given, "ENDPOINT_URL": f"http://127.0.0.1:{port}"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    s3fs.S3FileSystem.clear_instance_cache()
    fs = s3fs.S3FileSystem()
    fs.mkdir("archive")
    yield fs
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_folder_of_a_bucket_goes_to_an_object(
    tmp_path: Path, tiny_folder: Path, bucket: s3fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables in order; the folder of the run is where we stand, and gone at the end."""
    monkeypatch.chdir(tmp_path)
    bucket.pipe({"archive/in/b.csv": b"id,text\n2,We wait.\n", "archive/in/a.csv": b"id,text\n1,We agree.\n"})
    command = ["batch", "s3://archive/in", "--model", str(tiny_folder), "--workers", "1", "--quiet"]
    assert main([*command, "-o", "s3://archive/out.csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(bucket.cat("archive/out.csv").decode())))
    assert [("1", "We agree."), ("2", "We wait.")] == [(row["id"], row["text"]) for row in rows]
    assert [] == list(tmp_path.iterdir())
    assert main([*command, "-o", "s3://archive/out.csv"]) == 2
