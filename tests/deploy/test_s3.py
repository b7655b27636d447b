"""Batch runs from a bucket into a bucket of moto's server, which runs in an environment of its own."""

import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import FileSelector, S3FileSystem

from tests.load.served import ROOT, free_port

pytestmark = pytest.mark.deploy
TEXTS = [f"We shall return to point {n} of the note once they answer." for n in range(60)]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Install moto beside our packages, not among them, and start its server."""
    folder = tmp_path_factory.mktemp("moto")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "moto[s3,server]>=5"], check=True)
    port = free_port()
    server = subprocess.Popen([folder / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)])
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            httpx.get(url)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    httpx.put(f"{url}/archive").raise_for_status()
    yield url
    server.terminate()
    server.wait()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3FileSystem:
    """Put what the AWS tools look for into the environment, and three files into the bucket."""
    given = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    fs = S3FileSystem(endpoint_override=endpoint, scheme="http")
    for number in range(2):
        rows = TEXTS[30 * number : 30 * number + 30]
        pq.write_table(pa.table({"n": range(30), "text": rows}), f"archive/speeches/{number}.parquet", filesystem=fs)
    with fs.open_output_stream("archive/notes/one.csv.gz", compression="gzip") as file:
        file.write(("text\n" + "".join(f"{text}\n" for text in TEXTS)).encode())
    return fs


def _run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving", "batch", *arguments, "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_folder_of_parquet_in_a_bucket_is_scored_into_the_bucket(
    bucket: S3FileSystem, tmp_path: Path, tiny_folder: Path
) -> None:
    """Row by row in order, nothing left where we stand, and what is there already is not written over."""
    given = ["s3://archive/speeches", "-o", "s3://archive/scored.parquet", "--model", str(tiny_folder)]
    done = _run(*given, cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    table = pq.read_table("archive/scored.parquet", filesystem=bucket)
    assert TEXTS == table["text"].to_pylist()
    assert 0 == table["stance"].null_count
    assert [] == list(tmp_path.iterdir())
    again = _run(*given, cwd=tmp_path)
    assert 2 == again.returncode
    assert "s3://archive/scored.parquet" in again.stderr


def test_compressed_text_by_a_glob(bucket: S3FileSystem, tmp_path: Path, tiny_folder: Path) -> None:
    """In from the bucket, out to a file here."""
    out = tmp_path / "out.csv"
    done = _run("s3://archive/notes/*.csv.gz", "-o", str(out), "--model", str(tiny_folder), cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    assert 61 == len(out.read_text().splitlines())


def test_ray_reads_and_writes_a_bucket(bucket: S3FileSystem, tmp_path: Path, tiny_folder: Path) -> None:
    """The same rows, as shards under one name."""
    given = ["s3://archive/speeches", "-o", "s3://archive/shards", "--engine", "ray", "--workers", "2"]
    done = _run(*given, "--model", str(tiny_folder), cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    names = sorted(file.path for file in bucket.get_file_info(FileSelector("archive/shards")))
    rows = [text for name in names for text in pq.read_table(name, filesystem=bucket)["text"].to_pylist()]
    assert TEXTS == rows
