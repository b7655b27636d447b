"""Texts -> answers: windows, engine, calibration, abstention and the words of the condition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load
from tokenizers import Tokenizer

from models.calibration import calibrate
from models.conformal import possible_stances, thresholds_for
from models.engine import Engine
from models.errors import TextError
from models.folder import ModelFolder, open_folder
from models.spans import find_condition
from models.stance import LEANINGS, STANCES, Abstention, Answer, Condition, Stance
from models.text import check_text, is_prose
from models.tokens import Window, cut_windows, tokenizer_from

Floats = NDArray[np.float64]
DEFAULT_FOLDER = Path(__file__).parent / "default"


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What the model says of one window.

    Attributes:
        probabilities: (4,), calibrated, in Stance order.
        condition_logits: (n_ids,), above 0 where a token is more likely in the condition than not.
    """

    window: Window
    probabilities: Floats
    condition_logits: NDArray[np.float32]


def deciding_window(readings: Sequence[Reading]) -> Reading:
    """
    Choose the window that most surely expresses a stance: it speaks for the whole text.

    A long text is mostly narration around one move, and an average would drown it; `docs/model.md` has
    the measurement.
    """
    return min(readings, key=lambda reading: reading.probabilities[-1])


class StanceClassifier:
    """
    Says how each statement stands towards the other side. One thread; safe to share between threads.

    Args:
        coverage: answers abstain as uncertain unless one stance alone remains possible at this coverage: of statements
            of each stance at most 1 - coverage are then answered wrong without a warning. None: by the model's own
            threshold.

    Attributes:
        tokens_read: how many since it was loaded, marks included and those shared by two windows twice.

    Raises:
        CoverageError: the model has no thresholds for this coverage.
    """

    def __init__(self, folder: ModelFolder, *, coverage: float | None = None) -> None:
        self.tokens_read = 0
        self.manifest = folder.manifest
        self.manifest_sum = folder.manifest_sum
        self._tokenizer: Tokenizer = tokenizer_from(folder.files["tokenizer.json"])
        self._thresholds = self.thresholds(coverage)
        self._engine = Engine(folder.encoder(), folder.manifest.encoder, load(folder.files["heads.safetensors"]))

    @classmethod
    def load(cls, folder: Path | str = DEFAULT_FOLDER, *, coverage: float | None = None) -> "StanceClassifier":
        """
        Load a model folder, by default the one that comes with the project.

        Raises:
            ModelError: the folder is missing, damaged or of another kind.
            CoverageError: the model has no thresholds for this coverage.
        """
        return cls(open_folder(Path(folder)), coverage=coverage)

    def thresholds(self, coverage: float | None) -> Floats | None:
        """
        Give the probabilities (4,) from which stances remain possible at a coverage; None for none.

        Raises:
            CoverageError: the model has no thresholds for this coverage.
        """
        return None if coverage is None else thresholds_for(coverage, self.manifest.conformal)

    def classify(self, texts: Sequence[str]) -> list[Answer]:
        """
        Answer each text, in order.

        Raises:
            TextError: a text that cannot be scored, with its position; then none is answered.
        """
        for position, text in enumerate(texts):
            try:
                check_text(text)
            except TextError as error:
                raise TextError(error.code, f"text {position}: {error.detail}", error.limit) from error
        return [self._read_and_answer(text) for text in texts]

    def classify_each(self, texts: Sequence[object]) -> list[Answer | TextError]:
        """Answer each text, in order, or say in its place why it cannot be scored."""
        return [self._answer_or_error(text) for text in texts]

    def _answer_or_error(self, text: object) -> Answer | TextError:
        try:
            return self._read_and_answer(check_text(text))
        except TextError as error:
            return error

    def read_windows(self, text: str) -> tuple[list[Reading], bool]:
        """Read each window of a text by itself; beside the readings, claim whether text was left unread."""
        windows, truncated = self._cut(text)
        return [self._read_window(window) for window in windows], truncated

    def answer_in_steps(self, text: str, thresholds: Floats | None = None) -> Iterator[Answer | None]:
        """
        Answer a text that was found fit, one window at a step: None after each but the last, then the answer.

        Between steps another text may be read: a long one need not keep short ones waiting.

        Args:
            thresholds: of another coverage than the classifier's own.
        """
        windows, truncated = self._cut(text)
        readings: list[Reading] = []
        for window in windows:
            if readings:
                yield None
            readings.append(self._read_window(window))
        yield self.answer(text, readings, truncated=truncated, thresholds=thresholds)

    def calibrate(self, logits: NDArray[np.float32]) -> Floats:
        """Turn stance logits (4,) into probabilities (4,)."""
        row = logits.astype(np.float64)[None]
        chosen = self.manifest
        all_rows = calibrate(row, temperature=chosen.temperature, slope=chosen.temperature_slope, bias=chosen.bias)
        return np.asarray(all_rows[0])

    def answer(
        self, text: str, readings: Sequence[Reading], *, truncated: bool, thresholds: Floats | None = None
    ) -> Answer:
        """Give the answer for a text whose windows have been read."""
        reading = deciding_window(readings)
        probabilities = reading.probabilities
        stance = STANCES[int(probabilities.argmax())]
        return Answer(
            stance=stance,
            leaning=LEANINGS[int(probabilities[: len(LEANINGS)].argmax())],
            probabilities={label: float(p) for label, p in zip(STANCES, probabilities, strict=True)},
            condition=self._find_condition(text, reading, stance),
            abstained=self._abstain(text, reading, truncated=truncated, thresholds=thresholds),
            language=None,
            truncated=truncated,
        )

    def _cut(self, text: str) -> tuple[list[Window], bool]:
        """Cut a text into the windows that are read; beside them, claim whether more were left."""
        limits = self.manifest
        windows = cut_windows(self._tokenizer, text, length=limits.max_tokens, overlap=limits.window_overlap)
        return windows[: limits.max_windows], len(windows) > limits.max_windows

    def _read_window(self, window: Window) -> Reading:
        stance_logits, condition_logits = self._engine.read(window.ids)
        self.tokens_read += len(window.ids)
        return Reading(window, self.calibrate(stance_logits), condition_logits)

    def _read_and_answer(self, text: str) -> Answer:
        readings, truncated = self.read_windows(text)
        return self.answer(text, readings, truncated=truncated)

    def _find_condition(self, text: str, reading: Reading, stance: Stance) -> Condition | None:
        logits = reading.condition_logits
        # Most hostile statements set no condition: only a threat with plain marks of one has its words shown.
        threat = stance == Stance.HOSTILE and logits.max() >= self.manifest.threat_floor
        if not threat and stance != Stance.CONDITIONAL:
            return None
        return find_condition(text, logits + np.float32(self.manifest.condition_bias), reading.window.offsets)

    def _abstain(self, text: str, reading: Reading, *, truncated: bool, thresholds: Floats | None) -> Abstention | None:
        if not is_prose(text):
            return Abstention.NOT_PROSE
        if truncated:
            return Abstention.TRUNCATED
        if reading.window.pieces_a_word(text) > self.manifest.unfamiliar_above:
            return Abstention.UNFAMILIAR
        probabilities = reading.probabilities
        chosen = self._thresholds if thresholds is None else thresholds
        if chosen is None:
            is_sure = bool(probabilities.max() >= self.manifest.uncertain_below)
        else:
            is_sure = possible_stances(probabilities, chosen) == (STANCES[int(probabilities.argmax())],)
        return None if is_sure else Abstention.UNCERTAIN
