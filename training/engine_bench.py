"""The engines side by side, each in a process of its own, as a table."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from models.tokens import cut_windows, tokenizer_from
from training.data import LabelledStatement
from training.engines import ENGINES, Trial, try_engine


def compare_engines(network_folder: Path, statements: Sequence[LabelledStatement], max_tokens: int) -> str:
    """Run every engine over the statements' first windows; a table in Markdown."""
    tokenizer = tokenizer_from((network_folder / "tokenizer.json").read_bytes())
    rows = [cut_windows(tokenizer, s.text, length=max_tokens, overlap=0)[0].ids for s in statements]
    reference = None
    lines = [
        "| engine | same label as float32 | label changed by neighbours | greatest shift | statements/s "
        "| x torch | weights MiB | process MiB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    slowest = 0.0
    for name in ENGINES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            trial, logits = pool.submit(try_engine, name, network_folder, rows, reference).result()
        if reference is None:
            reference, slowest = logits, trial.per_second
        lines.append(_line(trial, slowest))
    return "\n".join(
        [*lines, "", f"{len(rows)} statements of {sum(map(len, rows)) / len(rows):.1f} tokens, one thread."]
    )


def _line(trial: Trial, slowest: float) -> str:
    return (
        f"| {trial.name} | {trial.agreement:.2%} | {trial.changed_by_neighbours:.2%} | {trial.shift:.1e} "
        f"| {trial.per_second:.1f} | {trial.per_second / slowest:.2f} "
        f"| {trial.weights_mib:.0f} | {trial.memory_mib:.0f} |"
    )
