"""Tables that are read and written without a model: what the readers and writers do of themselves."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from models.errors import TextError
from models.stance import STANCES, Answer, Condition, Stance
from models.text import check_text
from serving.batch.order import table_of
from serving.tables.block import TableOptions
from serving.tables.columns import OwnColumns, Verdict
from serving.tables.places import find_places, kind_of

Rewrite = Callable[..., Path]


@pytest.fixture(scope="session")
def answer() -> Answer:
    """An answer with every field filled."""
    probabilities = dict(zip(STANCES, (0.125, 0.5, 0.25, 0.125), strict=True))
    return Answer(Stance.CONDITIONAL, Stance.CONDITIONAL, probabilities, Condition(2, 6, 'a, "b'), None, None, False)  # noqa: FBT003


@pytest.fixture(scope="session")
def rewrite(answer: Answer) -> Rewrite:
    """Give a function that writes tables as the batch run does, with one answer for all that can be scored."""

    def verdict_of(text: object) -> Verdict:
        if isinstance(text, TextError):
            return text
        try:
            check_text(text)
        except TextError as error:
            return error
        return answer

    def rewrite(inputs: Path | Sequence[Path], out: Path, *, size: int = 4, skip: int = 0, **given: object) -> Path:
        names = [str(path) for path in ([inputs] if isinstance(inputs, Path) else inputs)]
        places = find_places(names, apart=[out])
        kind, out_kind = kind_of(places[0].name)[0], kind_of(out.name)[0]
        defaults = {"text": None, "encoding": "utf-8", "delimiter": None, "quote": '"', "own": OwnColumns("", "m1")}
        compression = kind_of(out.name)[1]
        options = {"kind": kind, "out_kind": out_kind, "out_compression": compression, **defaults, **given}
        table = table_of(places, TableOptions(**options))  # type: ignore[arg-type]
        spool = out.with_name("spool")
        with spool.open("wb") as file:
            file.write(table.opening())
            for place in places:
                for block in table.blocks(place, skip=skip, size=size):
                    file.write(table.encode(block, [verdict_of(text) for text in block.texts]))
        return table.finish(spool).replace(out)

    return rewrite
