"""The batch run beside transformers' pipeline on the same encoder: the measurement behind `docs/benchmarks.md`."""

import gzip
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psutil
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast, pipeline

from models.classifier import StanceClassifier
from models.folder import open_folder
from training.dequantize import dequantize

_THREADS = 2
_CHUNK = 64
_COMMAND = (sys.executable, "-m", "serving", "batch", "--quiet")


def compare_batch(model: Path, data: Path, *, rows: int, peer_rows: int, small_model: Path, small_rows: int) -> str:
    """
    Measure the batch run on a model against peers with its weights, and its memory on a small model, in Markdown.

    Args:
        model: a model folder; the peers get its weights as floats.
        data: gzipped JSONL with `text`.
        small_rows: so many of the rows, and ten times as many, for the small model.
        peer_rows: so many of the rows for the peers, which are slower; rates are compared.
    """
    with gzip.open(data, "rt", encoding="utf-8") as lines:
        read = [json.loads(line)["text"] for line in islice(lines, max(rows, small_rows))]
    texts, small = read[:rows], read[:small_rows]
    # Spread over all of them, since the data lies sorted by source and sources differ in length.
    peer_texts = texts[:: max(1, len(texts) // peer_rows)]
    rates = {
        "`python -m serving batch`": len(texts) / run_batch(texts, model)[0],
        "the engine alone, a process a core": len(texts) / _time_engine(texts, model),
        "`pipeline(batch_size=32)`, two threads": len(peer_texts) / _time_pipeline(peer_texts, model, 32),
        "`pipeline()`, two threads": len(peer_texts) / _time_pipeline(peer_texts, model, 1),
    }
    batch = next(iter(rates.values()))
    table = [f"| {name} | {rate:.1f} | {batch / rate:.2f} |" for name, rate in rates.items()]
    (seconds, memory), (more_seconds, more_memory) = (_grow(small, times, small_model) for times in (1, 10))
    few, many = f"{len(small):,} rows", f"{10 * len(small):,} rows"
    first = _time_first_row(texts, model)
    return "\n".join(
        [
            "| | statements/s | batch run / this |",
            "| --- | --- | --- |",
            *table,
            "",
            "| small model | seconds | MiB, all processes |",
            "| --- | --- | --- |",
            f"| {few} | {seconds:.1f} | {memory:.0f} |",
            f"| {many} | {more_seconds:.1f} | {more_memory:.0f} |",
            f"| ratio | {more_seconds / seconds:.2f} | {more_memory / memory:.3f} |",
            "",
            f"First row on stdout after {first:.2f} s.",
        ]
    )


def run_batch(texts: Sequence[str], model: Path) -> tuple[float, float]:
    """Run the command on texts; seconds, and the most MiB that all of its processes held together (RSS)."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        command = [*_COMMAND, str(source), "-o", str(out), "--model", str(model)]
        started = time.monotonic()
        run = psutil.Popen(command)
        most = 0.0
        while run.poll() is None:
            most = max(most, _held(run))
            time.sleep(0.1)
        seconds = time.monotonic() - started
    if run.returncode not in {0, 1}:
        raise RuntimeError(f"{' '.join(command)} ended with status {run.returncode}")
    return seconds, most


def _held(run: psutil.Popen) -> float:
    """Sum the MiB of a process and its children; not its ru_maxrss, which begins with what its parent held."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for process in [run, *run.children(recursive=True)]:
            total += process.memory_info().rss
    return total / 1024**2


def _grow(texts: Sequence[str], times: int, model: Path) -> tuple[float, float]:
    return run_batch([f"{text} {number}" for number in range(times) for text in texts], model)


def _time_first_row(texts: Sequence[str], model: Path) -> float:
    """Time from the start of the command to the first scored row on its stdout."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.jsonl")
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        started = time.monotonic()
        command = [*_COMMAND, str(source), "-o", "-", "--model", str(model)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            line = run.stdout.readline() if run.stdout else b""
            seconds = time.monotonic() - started
            run.terminate()
    if "stance" not in json.loads(line):
        raise RuntimeError(f"{' '.join(command)} wrote {line!r}")
    return seconds


def _time_engine(texts: Sequence[str], model: Path) -> float:
    """Time the classifier on every core with nothing around it, longest texts first; loading is not counted."""
    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    with multiprocessing.get_context("spawn").Pool(initializer=_load, initargs=(model,)) as pool:
        pool.map(_classify, chunks[:_THREADS], chunksize=1)
        started = time.monotonic()
        for _ in pool.imap_unordered(_classify, chunks):
            pass
        return time.monotonic() - started


def _load(model: Path) -> None:
    _loaded.append(StanceClassifier.load(model))


_loaded: list[StanceClassifier] = []


def _classify(texts: Sequence[str]) -> int:
    return len(_loaded[0].classify_each(texts))


def _time_pipeline(texts: Sequence[str], model: Path, batch_size: int) -> float:
    """Time the pipeline on the same encoder; its own head costs what ours does, and its answers are not used."""
    torch.set_num_threads(_THREADS)
    folder = open_folder(model)
    encoder = dequantize(folder).encoder
    peer = AutoModelForSequenceClassification.from_config(encoder.config).eval()
    getattr(peer, peer.base_model_prefix).load_state_dict(encoder.state_dict(), strict=False)
    pieces = Tokenizer.from_buffer(folder.files["tokenizer.json"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, pad_token="<pad>")  # noqa: S106
    tokenizer.model_max_length = folder.manifest.max_tokens
    classify = pipeline("text-classification", model=peer, tokenizer=tokenizer, batch_size=batch_size, truncation=True)
    classify(list(texts[:batch_size]))
    started = time.monotonic()
    classify(list(texts))
    return time.monotonic() - started
