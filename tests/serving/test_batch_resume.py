"""A run that was stopped goes on where it was, or says what is not as it was."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import TableError
from serving.batch.journal import WorkFolder
from serving.batch.order import Order, make_plan
from serving.batch.run import Summary, run_batch

Run = Callable[..., Summary]
ROWS = 60
PART = 8


class Watcher:
    """Breaks the run off after so many parts, as Ctrl-C would."""

    def __init__(self, parts: int | None) -> None:
        self.parts = parts

    def begin(self, rows: int) -> None:
        """Take no note of it."""

    def watch(self, rows: int, counts: dict[str, int], share: float | None) -> None:
        """Count a part."""
        assert share is not None
        assert 0 < share <= 1
        if self.parts is not None:
            self.parts -= 1
            if self.parts == 0:
                raise KeyboardInterrupt


@pytest.fixture
def run(tmp_path: Path, tiny_folder: Path) -> Run:
    """Give a function that runs a batch, stopped after so many parts."""

    def run(source: str, out: str, *, stop_after: int | None = None, **given: object) -> Summary:
        order = Order([str(tmp_path / source)], str(tmp_path / out), tiny_folder, workers=1, part_rows=PART)
        changed = {**{name: getattr(order, name) for name in Order.__slots__}, **given}
        return run_batch(make_plan(Order(**changed)), Watcher(stop_after))

    return run


def _texts() -> list[str]:
    return ["" if n % 9 == 4 else f"We agree to point {n}." for n in range(ROWS)]


def _write_input(path: Path) -> None:
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.table({"n": range(ROWS), "text": _texts()}), path, row_group_size=13)
        case ".jsonl":
            path.write_text("".join(json.dumps({"n": n, "text": text}) + "\n" for n, text in enumerate(_texts())))
        case _:
            path.write_text("n,text\n" + "".join(f'{n},"{text}"\n' for n, text in enumerate(_texts())))


@pytest.mark.parametrize(("source", "out"), [("in.csv", "out.csv.gz"), ("in.jsonl", "out.jsonl"), ("in.parquet",) * 2])
def test_a_stopped_run_ends_as_an_undisturbed_one(tmp_path: Path, run: Run, source: str, out: str) -> None:
    """Stopped twice, with half a part and half a journal entry left behind: the same bytes, rejects too."""
    out = f"out-{out}"
    _write_input(tmp_path / source)
    rejects = tmp_path / "rejects.jsonl"
    run(source, f"whole-{out}", rejects=tmp_path / "whole-rejects.jsonl")
    expected, expected_rejects = ((tmp_path / f"whole-{name}").read_bytes() for name in (out, "rejects.jsonl"))
    for parts in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            run(source, out, rejects=rejects, stop_after=parts)
        assert not (tmp_path / out).exists()
        for name in ("spool", "rejects", "journal.jsonl"):
            with (tmp_path / f"{out}.work" / name).open("ab") as file:
                file.write(b'{"torn')
    summary = run(source, out, rejects=rejects)
    assert ROWS == summary.rows
    assert 0 < summary.taken_up < ROWS
    assert expected == (tmp_path / out).read_bytes()
    assert expected_rejects == rejects.read_bytes()
    assert not (tmp_path / f"{out}.work").exists()


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"prefix": "x_"}, "--prefix is x_, was ;"),
        ({"text": "n"}, "--text is n, was text"),
        ({"part_rows": 9}, "--part-rows is 9, was 8"),
        ({"encoding": "latin-1"}, "--encoding is latin-1, was utf-8"),
        ({"inputs": ["in.csv", "more.csv"]}, "inputs are 2, were 1"),
    ],
)
def test_a_run_begun_otherwise_is_refused_with_the_difference(
    tmp_path: Path, run: Run, changed: dict[str, object], difference: str
) -> None:
    """The option with both values; `restart` begins anew."""
    _write_input(tmp_path / "in.csv")
    _write_input(tmp_path / "more.csv")
    if "inputs" in changed:
        changed = {"inputs": [str(tmp_path / name) for name in ("in.csv", "more.csv")]}
    with pytest.raises(KeyboardInterrupt):
        run("in.csv", "out.csv", stop_after=2)
    with pytest.raises(TableError) as refused:
        run("in.csv", "out.csv", **changed)
    assert difference in f"{refused.value};".replace(". --restart", ";")
    assert 0 == run("in.csv", "out.csv", restart=True, **changed).taken_up


def test_a_changed_input_and_another_model_are_refused(tmp_path: Path, run: Run, tiny_folder: Path) -> None:
    """Size and time of the input, the sums of both models."""
    _write_input(tmp_path / "in.csv")
    with pytest.raises(KeyboardInterrupt):
        run("in.csv", "out.csv", stop_after=2)
    with (tmp_path / "in.csv").open("a") as file:
        file.write("61,We agree.\n")
    with pytest.raises(TableError, match=r"size of \S*in\.csv is \d+, was \d+; last change of \S*in\.csv is"):
        run("in.csv", "out.csv")
    other = tmp_path / "other"
    other.mkdir()
    for file_ in tiny_folder.iterdir():
        (other / file_.name).write_bytes(file_.read_bytes())
    manifest = (other / "manifest.json").read_text()
    (other / "manifest.json").write_text(manifest.replace('"uncertain_below"', ' "uncertain_below"'))
    with pytest.raises(TableError, match=r"model is [0-9a-f]{64}, was [0-9a-f]{64}"):
        run("in.csv", "out.csv", model=other)


def test_a_second_run_on_the_same_output_is_refused(tmp_path: Path, run: Run) -> None:
    """As long as the first one lives."""
    _write_input(tmp_path / "in.csv")
    with WorkFolder(tmp_path / "out.csv.work"), pytest.raises(TableError, match="another run writes the same output"):
        run("in.csv", "out.csv")
    assert ROWS == run("in.csv", "out.csv").rows


def test_a_run_killed_before_it_put_its_output_in_place_only_does_that(tmp_path: Path, run: Run) -> None:
    """Nothing is scored again."""
    _write_input(tmp_path / "in.csv")
    run("in.csv", "whole.csv")
    with pytest.raises(KeyboardInterrupt):
        run("in.csv", "out.csv", stop_after=8)
    journal = tmp_path / "out.csv.work" / "journal.jsonl"
    last = json.loads(journal.read_text().splitlines()[-1])
    with journal.open("a") as file:
        file.write(json.dumps({**last, "is_done": True}) + "\n")
    assert ROWS == run("in.csv", "out.csv", stop_after=1).taken_up
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


def test_a_damaged_folder_is_refused(tmp_path: Path, run: Run) -> None:
    """Where less was written than the journal says, or the journal is none."""
    _write_input(tmp_path / "in.csv")
    with pytest.raises(KeyboardInterrupt):
        run("in.csv", "out.csv", stop_after=2)
    spool, journal = (tmp_path / "out.csv.work" / name for name in ("spool", "journal.jsonl"))
    whole = spool.read_bytes()
    spool.write_bytes(whole[:-1])
    with pytest.raises(TableError, match=rf"spool has {len(whole) - 1} bytes, the journal {len(whole)}"):
        run("in.csv", "out.csv")
    journal.write_text("[]\n")
    with pytest.raises(TableError, match=r"journal\.jsonl is damaged"):
        run("in.csv", "out.csv")


def test_an_input_that_grows_while_it_is_read_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    """Rather than taken for whole."""
    _write_input(tmp_path / "in.csv")

    class Grower(Watcher):
        def begin(self, rows: int) -> None:
            with (tmp_path / "in.csv").open("a") as file:
                file.write("61,We agree.\n")

    order = Order([str(tmp_path / "in.csv")], str(tmp_path / "out.csv"), tiny_folder, workers=1)
    with pytest.raises(TableError, match=r"in\.csv was changed while it was read"):
        run_batch(make_plan(order), Grower(None))
