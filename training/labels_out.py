"""Unlabelled texts -> tasks for Label Studio and doccano, with the model's answers as predictions."""

import json
from collections.abc import Sequence
from pathlib import Path

from models.classifier import StanceClassifier
from models.stance import STANCES, Answer
from training.label_tools import CONDITION

LABEL_STUDIO_CONFIG = f"""<View>
  <Text name="text" value="$text"/>
  <Choices name="stance" toName="text" choice="single" required="true">
{chr(10).join(f'    <Choice value="{stance}"/>' for stance in STANCES)}
  </Choices>
  <Labels name="span" toName="text"><Label value="{CONDITION}"/></Labels>
</View>
"""


def write_tasks(texts: Sequence[str], classifier: StanceClassifier, target: Path, *, tool: str) -> None:
    """
    Write one task a text, in the form that the tool imports, beside `target` and then in its place.

    Args:
        tool: "label-studio" (JSON) or "doccano" (JSONL).
    """
    answered = [(text, classifier.classify([text])[0]) for text in texts]
    if tool == "label-studio":
        version = classifier.manifest.version
        content = json.dumps([_task(text, answer, version) for text, answer in answered], indent=1)
    else:
        content = "\n".join(json.dumps(_line(text, answer)) for text, answer in answered)
    neighbour = target.with_name(target.name + ".part")
    neighbour.write_text(content + "\n", encoding="utf-8")
    neighbour.replace(target)


def _task(text: str, answer: Answer, version: str) -> dict[str, object]:
    def result(kind: str, name: str, value: dict[str, object]) -> dict[str, object]:
        return {"id": name, "type": kind, "from_name": name, "to_name": "text", "value": value}

    results = [result("choices", "stance", {"choices": [str(answer.stance)]})]
    if found := answer.condition:
        span = {"start": found.start, "end": found.end, "text": found.text, "labels": [CONDITION]}
        results.append(result("labels", "span", span))
    score = max(answer.probabilities.values())
    return {"data": {"text": text}, "predictions": [{"model_version": version, "score": score, "result": results}]}


def _line(text: str, answer: Answer) -> dict[str, object]:
    return {"text": text, "label": [str(answer.stance)]}
