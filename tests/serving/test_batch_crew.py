"""Worker processes: one that dies is replaced, and only what kills is given up."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.classifier import StanceClassifier
from models.errors import TextError, WorkerError
from serving.batch.crew import Crew
from serving.batch.scoring import blocks_ahead, score
from serving.tables.block import Block
from serving.tables.columns import Verdict

TEXTS = [f"We agree to point {n}." for n in range(40)]


@pytest.fixture
def crew(tiny_folder: Path, tiny: StanceClassifier) -> Iterator[Crew]:
    with Crew(tiny_folder, tiny.manifest_sum, 2) as crew:
        yield crew


def _blocks(texts: list[object], size: int) -> Iterator[Block[None]]:
    for start in range(0, len(texts), size):
        yield Block("here", start + 1, texts[start : start + size], None, None)


def _score(texts: list[object], crew: Crew, size: int) -> list[Verdict]:
    ahead = blocks_ahead(2, size)
    return [verdict for _, verdicts in score(_blocks(texts, size), crew, ahead=ahead) for verdict in verdicts]


def test_verdicts_come_in_the_order_of_the_rows(crew: Crew, tiny: StanceClassifier) -> None:
    """Long and short, good and bad, the same again and again, in blocks of any size."""
    texts = [*TEXTS, TextError("torn", "torn"), "", *TEXTS[:9], "We agree. " * 300, 3]
    verdicts = _score(texts, crew, 7)
    assert [*tiny.classify(TEXTS), *tiny.classify(TEXTS[:9])] == [*verdicts[:40], *verdicts[42:51]]
    codes = [verdict.code for verdict in verdicts if isinstance(verdict, TextError)]
    assert ["torn", "blank", "wrong_type"] == codes


def test_a_text_that_is_repeated_in_a_block_is_scored_once(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 rows with two texts, two texts are handed in."""
    given: list[str] = []
    give = crew.give
    monkeypatch.setattr(crew, "give", lambda chunk: (given.extend(chunk.texts), give(chunk)))
    assert 40 == len(_score(TEXTS[:2] * 20, crew, 40))
    assert sorted(TEXTS[:2]) == sorted(given)


def test_a_worker_that_dies_is_replaced_and_its_texts_are_done_again(crew: Crew, tiny: StanceClassifier) -> None:
    """Killed three times in between, each time the one that was there."""
    verdicts: list[Verdict] = []
    for number, (_, some) in enumerate(score(_blocks([*TEXTS], 4), crew, ahead=4)):
        verdicts += some
        if number in {0, 3, 6}:
            os.kill(crew.pids()[number % 2], signal.SIGKILL)
    assert tiny.classify(TEXTS) == verdicts


class Killer(str):
    """A text that ends the process which reads it out of its pipe."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


def test_a_text_that_kills_is_given_up_and_the_ones_around_it_are_scored(crew: Crew, tiny: StanceClassifier) -> None:
    """After three workers, with the number in its reason."""
    verdicts = _score([*TEXTS[:3], Killer("We agree."), *TEXTS[3:]], crew, 16)
    given_up = verdicts.pop(3)
    assert isinstance(given_up, TextError)
    assert "3 workers died over this text" == given_up.detail
    assert tiny.classify(TEXTS) == verdicts


def test_workers_that_never_answer_stop_the_run(tiny_folder: Path) -> None:
    """Here because the model is another than the one that was looked at."""
    with Crew(tiny_folder, "0" * 64, 1) as crew, pytest.raises(WorkerError, match=r"5 workers died in a row"):
        _score(TEXTS, crew, 40)


def test_workers_end_with_the_crew(tiny_folder: Path, tiny: StanceClassifier) -> None:
    """None is left behind."""
    with Crew(tiny_folder, tiny.manifest_sum, 2) as crew:
        pids = crew.pids()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
