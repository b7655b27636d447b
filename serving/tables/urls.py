"""URLs -> file systems: S3 by pyarrow, which is there anyway; every other scheme by fsspec's own."""

import os
from urllib.parse import urlsplit

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem

_S3_SCHEMES = ("s3", "s3a")


def open_url(url: str) -> tuple[AbstractFileSystem, str]:
    """
    Give the file system of a URL, or of a local path, and the path within it.

    For S3 the credentials are found as the AWS tools find them; AWS_ENDPOINT_URL names another server than Amazon's.
    s3fs is not used: its botocore asks for another python-dateutil than BentoML does.
    """
    parts = urlsplit(url)
    if parts.scheme not in _S3_SCHEMES:
        found: tuple[AbstractFileSystem, str] = url_to_fs(url)
        return found
    given = {}
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        given = {"endpoint_override": endpoint, "scheme": urlsplit(endpoint).scheme or "https"}
    return ArrowFSWrapper(S3FileSystem(**given)), url.split("://", 1)[1]
