"""Names, folders, globs, URLs and stdin become the files that they stand for."""

import io
from pathlib import Path

import fsspec
import pytest

from models.errors import TableError
from serving.tables.places import Kind, Stdin, StoredFile, find_places, kind_of


def _names(*given: str, apart: tuple[Path, ...] = ()) -> list[str]:
    return [Path(place.name).name for place in find_places(given, apart=apart)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv.gz", "note.txt", "deep/c.csv", ".hidden/d.csv", "out.csv.work/e.csv", "out.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_stands_for_the_tables_under_it(folder: Path) -> None:
    """By name, in order; without what is hidden, of another format or ours."""
    assert ["a.csv.gz", "b.csv", "c.csv"] == _names(str(folder), apart=(folder / "out.csv",))


def test_a_glob_stands_for_the_files_that_it_matches(folder: Path) -> None:
    """Also through folders."""
    assert ["b.csv", "out.csv"] == _names(f"{folder}/*.csv")
    assert ["b.csv", "c.csv", "out.csv"] == [name for name in _names(f"{folder}/**/*.csv") if name != "e.csv"]


def test_a_file_named_like_a_glob_is_that_file(tmp_path: Path) -> None:
    """Brackets occur in names."""
    (tmp_path / "speech [1].csv").touch()
    assert ["speech [1].csv"] == _names(str(tmp_path / "speech [1].csv"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["{}/none.csv"], r"none\.csv: no such file"),
        (["{}/none*.csv"], "no such file, and no table in or under that name"),
        (["{}/deep", "{}/deep/c.csv"], r"c\.csv is named twice"),
        (["-", "{}/b.csv"], r"stdin \(-\) is read alone"),
    ],
)
def test_what_stands_for_nothing_is_refused(folder: Path, given: list[str], reason: str) -> None:
    """With the name."""
    with pytest.raises(TableError, match=reason):
        find_places([name.format(folder) for name in given], apart=())


def test_a_url_stands_for_what_its_file_system_has() -> None:
    """Here in memory; each place says where it is."""
    memory = fsspec.filesystem("memory")
    memory.pipe({"/bucket/b.csv": b"text\n", "/bucket/a.csv": b"text\nx\n", "/bucket/c.txt": b""})
    places = find_places(["memory://bucket"], apart=())
    assert ["memory:///bucket/a.csv", "memory:///bucket/b.csv"] == [place.name for place in places]
    assert b"text\nx\n" == places[0].open().read()
    assert 7 == places[0].stamp().size


def test_stdin_comes_twice_and_only_as_far_as_it_was_asked_for() -> None:
    """The second reader gets what the first one took, and the rest."""
    stdin = Stdin(io.BufferedReader(io.BytesIO(b"one\ntwo\nthree\n"), buffer_size=4))  # type: ignore[arg-type]
    assert b"one\n" == stdin.open().readline()
    assert b"one\ntwo\nthree\n" == stdin.open().read()


def test_a_change_of_a_file_shows_in_its_stamp(tmp_path: Path) -> None:
    """By its size or its time."""
    path = tmp_path / "a.csv"
    path.write_text("text\n")
    place = find_places([str(path)], apart=())[0]
    assert isinstance(place, StoredFile)
    before = place.stamp()
    assert before == place.stamp()
    path.write_text("text\nx\n")
    assert before != place.stamp()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.CSV", (Kind.CSV, "")),
        ("a.tab.gz", (Kind.TSV, ".gz")),
        ("a.ndjson.zst", (Kind.JSONL, ".zst")),
        ("a.b.pq", (Kind.PARQUET, "")),
        ("a.arrow", (Kind.FEATHER, "")),
        ("a.gz", (None, ".gz")),
        ("-", (None, "")),
    ],
)
def test_a_name_tells_format_and_compression(name: str, expected: tuple[Kind | None, str]) -> None:
    """By its last suffix, or the two last."""
    assert expected == kind_of(name)
