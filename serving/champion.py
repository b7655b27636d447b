"""The model that answers: loaded, tried, held for whoever asks for it, and replaced while the service runs."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

from models.classifier import Floats, StanceClassifier
from models.conformal import COVERAGES
from models.errors import ModelError
from models.registry import Registry
from models.stance import Answer, Stance
from serving.config import Limits
from serving.health import KNOWN_STATEMENT
from serving.metrics import Metrics

_LOOK_SECONDS = 1.0
_LOG = logging.getLogger(__name__)
MEANINGS = {
    Stance.CONCILIATORY: "offers, accepts or welcomes something towards the other side, without a price",
    Stance.CONDITIONAL: "would move towards the other side if it first did something",
    Stance.HOSTILE: "rejects, accuses, threatens or punishes the other side",
    Stance.NONE: "expresses no stance towards another side",
}


@dataclass(frozen=True, slots=True)
class Model:
    """
    A model in memory.

    Attributes:
        known_answer: what it gave to the known statement when it was loaded.
    """

    classifier: StanceClassifier
    known_answer: Answer
    metrics: Metrics

    def name(self) -> dict[str, str]:
        """Name it as every answer does."""
        return {"version": self.classifier.manifest.version, "manifest_sum": self.classifier.manifest_sum}

    def scorer(self, coverage: float | None) -> Callable[[str], Iterator[Answer | None]]:
        """
        Give `score` at a coverage that was asked for.

        Raises:
            CoverageError: the model has no thresholds for it.
        """
        return partial(self.score, thresholds=self.classifier.thresholds(coverage))

    def score(self, text: str, *, thresholds: Floats | None = None) -> Iterator[Answer | None]:
        """Answer one statement that was found fit, a window at a step, and count its tokens."""
        before = self.classifier.tokens_read
        for answer in self.classifier.answer_in_steps(text, thresholds):
            self.metrics.tokens.inc(self.classifier.tokens_read - before)
            yield answer
            before = self.classifier.tokens_read


class Champion:
    """
    Holds the model that answers, and looks each second whether another one is to; a request keeps what it began with.

    Args:
        registry: where champions are named; None where there is no such folder.
        folder: what is served until one is named.

    Raises:
        ModelError: the model cannot be used.
    """

    def __init__(self, registry: Registry | None, folder: Path, metrics: Metrics) -> None:
        self._registry = registry
        self._folder = folder
        self._metrics = metrics
        self._seen = self._stamp()
        self._refused: str | None = None
        self._version = ""
        self.model = self._load()

    async def watch(self) -> None:
        """Take over each new champion that proves sound, for ever; the old one goes on where it does not."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            stamp = self._stamp()
            if stamp == self._seen:
                continue
            self._seen = stamp
            await self._take_over()

    async def _take_over(self) -> None:
        old = self.model.classifier.manifest.version
        try:
            self.model = await asyncio.to_thread(self._load)
        except ModelError as error:
            _LOG.error("%s goes on, the new champion is refused: %s", old, error)
            self._metrics.load_failures.inc()
            self._refused = self._named()
            return
        self._refused = None
        _LOG.warning("%s answers instead of %s", self.model.classifier.manifest.version, old)

    def _named(self) -> str:
        try:
            pointer = self._registry.pointer() if self._registry else None
        except ModelError:
            return "unreadable"
        return pointer.version if pointer else "none"

    def _stamp(self) -> tuple[int, int, int] | None:
        if not self._registry:
            return None
        try:
            found = self._registry.pointer_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _load(self) -> Model:
        begun = perf_counter()
        pointer = self._registry.pointer() if self._registry else None
        classifier = self._registry.load(pointer) if self._registry and pointer else StanceClassifier.load(self._folder)
        model = Model(classifier, classifier.classify([KNOWN_STATEMENT])[0], self._metrics)
        self._metrics.load_seconds.set(perf_counter() - begun)
        self._name_in_metrics(classifier.manifest.version)
        return model

    def _name_in_metrics(self, version: str) -> None:
        if self._version:
            self._metrics.model.labels(self._version).set(0)
        self._metrics.model.labels(version).set(1)
        self._version = version

    def describe(self, limits: Limits) -> dict[str, object]:
        """Say what the model is, as GET /v1/model does."""
        manifest = self.model.classifier.manifest
        return {
            **self.model.name(),
            "trained_on": manifest.trained_on,
            "base": manifest.base,
            "labels": {str(stance): meaning for stance, meaning in MEANINGS.items()},
            "languages": list(manifest.languages),
            "calibration": {
                "temperature": manifest.temperature,
                "temperature_slope": manifest.temperature_slope,
                "bias": list(manifest.bias),
                "uncertain_below": manifest.uncertain_below,
            },
            "coverages": [COVERAGES[0], COVERAGES[-1]] if manifest.conformal else None,
            "figures": {
                side: {name: measured.model_dump() for name, measured in figures.items()}
                for side, figures in manifest.figures.items()
            },
            "refused": self._refused,
            "limits": {
                "statements": limits.statements,
                "characters": limits.characters,
                "body_bytes": limits.body_bytes,
                "json_levels": limits.json_levels,
                "tokens_a_window": manifest.max_tokens,
                "windows": manifest.max_windows,
            },
        }
