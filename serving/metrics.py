"""What monitoring is told: counters and histograms of all workers together, in few labels, never a text."""

import os
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from models.errors import TextError
from models.stance import Answer

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SHARES = tuple(tenth / 10 for tenth in range(3, 11))


def shared_folder() -> Path | None:
    """Give the folder through which the workers of one service know of each other; None in a single process."""
    name = os.environ.get(FOLDER_VARIABLE)
    return Path(name) if name else None


class Metrics:
    """The metrics of one worker; `render` gives those of all."""

    def __init__(self) -> None:
        self.registry = r = CollectorRegistry()
        self.requests = Counter("stance_requests", "Requests answered.", ("route", "code"), registry=r)
        self.seconds = Histogram(
            "stance_request_seconds", "From headers to answer.", ("route",), buckets=_SECONDS, registry=r
        )
        self.statements = Counter("stance_statements", "Statements scored.", ("stance", "abstained"), registry=r)
        self.faulty = Counter("stance_faulty_statements", "Statements that cannot be scored.", ("code",), registry=r)
        self.confidence = Histogram(
            "stance_confidence", "Probability of the stance given.", ("stance",), buckets=_SHARES, registry=r
        )
        self.queue = Gauge("stance_queue_statements", "Statements waiting.", registry=r, multiprocess_mode="livesum")
        self.shed = Counter("stance_shed_statements", "Statements taken back unanswered.", ("reason",), registry=r)
        self.tokens = Counter("stance_tokens", "Tokens read, those shared by two windows twice.", registry=r)
        self.truncated = Counter("stance_truncated_statements", "Statements read in part.", registry=r)
        self.model = Gauge(
            "stance_model_info", "Workers that serve a version.", ("version",), registry=r, multiprocess_mode="livesum"
        )
        self.load_seconds = Gauge(
            "stance_model_load_seconds", "How long the last load took.", registry=r, multiprocess_mode="livemax"
        )
        self.load_failures = Counter("stance_model_load_failures", "Champions that were refused.", registry=r)
        self.feedback = Counter("stance_feedback", "Corrections stored.", registry=r)

    def count_answers(self, answers: Sequence[Answer | TextError]) -> None:
        """Count one request's answers."""
        for answer in answers:
            if isinstance(answer, TextError):
                self.faulty.labels(answer.code).inc()
                continue
            self.statements.labels(answer.stance, answer.abstained or "").inc()
            self.confidence.labels(answer.stance).observe(answer.probabilities[answer.stance])
            if answer.truncated:
                self.truncated.inc()

    def render(self) -> bytes:
        """Give the text that Prometheus reads: of all workers where they share a folder."""
        if not shared_folder():
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)
