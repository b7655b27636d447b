"""Rows of the service's feedback, Label Studio, doccano and plain tables -> raw labels; nothing is guessed."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.errors import DataError
from models.stance import STANCES
from training.labels import RawLabel

CONDITION = "condition"
_PLAIN = {
    "id", "text", "prev", "stance", "condition", "condition_start", "condition_end", "who", "when", "confidence",
    "source", "document", "sentence", "speaker", "date", "drawn", "annotators",
}  # fmt: skip
_FEEDBACK = {"id", "at", "who", "statement", "given", "stance", "condition", "speaker", "article", "reason"}
_HEX = 64


def raw_of_row(row: Mapping[str, Any], *, file: str) -> tuple[str, RawLabel] | None:
    """
    Tell whose row this is by its keys; give the tool's name and what it says, or None where it says nothing.

    Args:
        file: the file's name without its suffix: doccano names it after the annotator.

    Raises:
        DataError: keys that no tool writes, or a value that is not as the tool writes it.
    """
    if "statement" in row:
        return "feedback", _feedback(row)
    if "label" in row or "labels" in row or "entities" in row:
        raw = _doccano(row, file)
        return ("doccano", raw) if raw else None
    return "table", _plain(row)


def _feedback(row: Mapping[str, Any]) -> RawLabel:
    _refuse_unknown(row, _FEEDBACK)
    given = row.get("given")
    if not isinstance(given, dict) or given.get("stance") not in list(STANCES):
        raise DataError(f"given {given!r} must name the stance that was answered, one of {', '.join(STANCES)}")
    manifest_sum = given.get("manifest_sum")
    if not isinstance(manifest_sum, str) or len(manifest_sum) != _HEX:
        raise DataError(f"given.manifest_sum {manifest_sum!r} is not a SHA-256")
    article = row.get("article")
    if article is not None and not (isinstance(article, dict) and isinstance(article.get("hash"), str)):
        raise DataError(f"article {article!r} has no hash")
    return RawLabel(
        text=row["statement"],
        stance=row.get("stance"),
        condition=row.get("condition"),
        who=row.get("who"),
        when=row.get("at"),
        source="feedback",
        document=f"article-{article['hash']}" if article else None,
    )


def _doccano(row: Mapping[str, Any], file: str) -> RawLabel | None:
    """Read text classification ("label": ["hostile"]) and sequence labelling ("label": [[0, 9, "condition"]])."""
    labels = row.get("label", row.get("labels", row.get("entities")))
    if not isinstance(labels, list):
        raise DataError(f"label {labels!r} must be a list, as doccano writes it")
    if not labels:
        return None
    names = [one for one in labels if isinstance(one, str)]
    spans = [_doccano_span(one) for one in labels if not isinstance(one, str)]
    return RawLabel(
        text=row.get("text"),
        stance=_only(names, "stances"),
        condition=_only(spans, "conditions"),
        who=file,
        source="doccano",
        document=row.get("document"),
        only_condition=not names,
    )


def _doccano_span(one: Any) -> dict[str, Any]:
    if isinstance(one, dict):
        one = [one.get("start_offset"), one.get("end_offset"), one.get("label")]
    if not isinstance(one, list) or len(one) != 3:  # noqa: PLR2004
        raise DataError(f"label {one!r} must be a name, or a start, an end and a name")
    if one[2] != CONDITION:
        raise DataError(f"span label {one[2]!r} is not {CONDITION!r}")
    return {"start": one[0], "end": one[1]}


def _plain(row: Mapping[str, Any]) -> RawLabel:
    _refuse_unknown(row, _PLAIN)
    condition = row.get("condition")
    start, end = row.get("condition_start"), row.get("condition_end")
    if start is not None or end is not None:
        condition = {"start": start, "end": end} | ({"text": condition} if isinstance(condition, str) else {})
    return RawLabel(
        text=row.get("text"),
        stance=row.get("stance"),
        condition=condition,
        who=row.get("who"),
        when=row.get("when"),
        confidence=row.get("confidence"),
        source=row.get("source"),
        document=row.get("document"),
    )


def label_studio_labels(task: Mapping[str, Any]) -> Iterator[RawLabel | DataError]:
    """Give one label for each annotation of a task; a cancelled one says nothing and is passed over."""
    text = (task.get("data") or {}).get("text")
    annotations = task.get("annotations")
    if not isinstance(annotations, list):
        yield DataError(f"annotations {annotations!r} must be a list; export as JSON, not JSON-MIN")
        return
    for annotation in annotations:
        if not annotation.get("was_cancelled"):
            try:
                yield _annotation(task, text, annotation)
            except DataError as error:
                yield error


def _annotation(task: Mapping[str, Any], text: Any, annotation: Mapping[str, Any]) -> RawLabel:
    names, spans = [], []
    for result in annotation.get("result") or []:
        value = result.get("value") or {}
        if result.get("type") == "choices":
            names += value.get("choices", [])
        elif result.get("type") == "labels":
            if value.get("labels") != [CONDITION]:
                raise DataError(f"span labels {value.get('labels')!r} are not [{CONDITION!r}]")
            spans.append({key: value.get(key) for key in ("start", "end", "text")})
    who = annotation.get("completed_by")
    return RawLabel(
        text=text,
        stance=_only(names, "stances"),
        condition=_only(spans, "conditions"),
        who=who.get("email") or who.get("id") if isinstance(who, dict) else who,
        when=annotation.get("updated_at") or annotation.get("created_at"),
        source=(task.get("data") or {}).get("source") or "label-studio",
        document=(task.get("data") or {}).get("document"),
        is_gold=bool(annotation.get("ground_truth")),
    )


def _only(values: list[Any], what: str) -> Any:
    if len(values) > 1:
        raise DataError(f"{len(values)} {what} are given, {values!r}; one at most is meant")
    return values[0] if values else None


def _refuse_unknown(row: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(map(str, row)) - known):
        raise DataError(f"no such column: {', '.join(map(repr, unknown))}; known are {', '.join(sorted(known))}")
