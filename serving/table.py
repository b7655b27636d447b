"""Answers as a table for people, on a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.errors import TextError
from models.stance import Answer, Stance
from serving.rows import Row

_COLOURS = {
    Stance.CONCILIATORY: "green",
    Stance.CONDITIONAL: "yellow",
    Stance.HOSTILE: "red",
    Stance.NONE: "default",
}


def print_answers(answered: Iterable[tuple[Row, Answer | TextError]]) -> bool:
    """Print a table with the condition underlined; claim whether some could not be scored."""
    table = Table("id", "stance", "p", "statement", "note")
    failed = False
    for row, answer in answered:
        if isinstance(answer, TextError):
            failed = True
            table.add_row(Text(row.id), Text("not read", "red"), "", "", Text(answer.detail))
        else:
            table.add_row(*_cells(row, answer))
    Console().print(table)
    return failed


def _cells(row: Row, answer: Answer) -> tuple[Text, ...]:
    statement = Text(str(row.text))
    if answer.condition:
        statement.stylize("underline", answer.condition.start, answer.condition.end)
    leaning = f"leans {answer.leaning}" if answer.stance == Stance.NONE else ""
    note = "; ".join(filter(None, [answer.abstained, leaning]))
    probability = f"{answer.probabilities[answer.stance]:.2f}"
    stance = Text(answer.stance, _COLOURS[answer.stance])
    return Text(row.id), stance, Text(probability), statement, Text(note)
