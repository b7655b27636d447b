"""Which engine runs a trained network best on one thread: the measurement behind `docs/engine.md`."""

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.engine import Engine
from training.export import head_arrays, quantize_encoder
from training.network import StanceNetwork, load_weights

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
# Padded ids (n_windows, n_ids) and their mask in; stance logits (n_windows, 4) out.
Reader = Callable[[Ints, Ints], Floats]
_BATCH = 32
_CALIBRATION_ROWS = 300


@dataclass(frozen=True, slots=True)
class Trial:
    """
    What one engine did.

    Attributes:
        agreement: share of windows with the label of torch in float32.
        changed_by_neighbours: share whose label differs between a batch of one and a padded one of 32;
            `shift` is the greatest change of a probability.
        per_second: windows read in a second, one at a time.
        weights_mib: size of the weights; `memory_mib` the greatest resident memory of the whole process.
    """

    name: str
    agreement: float
    changed_by_neighbours: float
    shift: float
    per_second: float
    weights_mib: float
    memory_mib: float


def try_engine(
    name: str, network_folder: Path, rows: Sequence[list[int]], reference: Floats | None
) -> tuple[Trial, Floats]:
    """
    Run one engine over windows: one by one, timed, and in padded batches of 32.

    Call it in a process of its own, for its memory's sake.

    Args:
        name: a name of ENGINES.
        rows: token ids of each window, marks included.
        reference: the logits (n_windows, 4) of torch in float32; None for that engine itself.
    """
    torch.set_num_threads(1)
    network = load_weights(network_folder).eval()
    with tempfile.TemporaryDirectory() as folder:
        read, weights_mib = ENGINES[name](network, Path(folder), rows)
        del network
        read(*_pad(rows[:1]))
        started = time.perf_counter()
        alone = np.concatenate([read(*_pad([row])) for row in rows])
        seconds = time.perf_counter() - started
        batched = np.concatenate([read(*_pad(rows[i : i + _BATCH])) for i in range(0, len(rows), _BATCH)])
    labels = alone.argmax(axis=1)
    trial = Trial(
        name=name,
        agreement=1.0 if reference is None else float((labels == reference.argmax(axis=1)).mean()),
        changed_by_neighbours=float((labels != batched.argmax(axis=1)).mean()),
        shift=float(abs(_softmax(alone) - _softmax(batched)).max()),
        per_second=len(rows) / seconds,
        weights_mib=weights_mib,
        memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    return trial, alone


def _torch(network: StanceNetwork, _: Path, __: Sequence[list[int]]) -> tuple[Reader, float]:
    def read(ids: Ints, mask: Ints) -> Floats:
        with torch.inference_mode():
            logits: Floats = network(torch.tensor(ids), torch.tensor(mask))[0].numpy()
        return logits

    return read, sum(parameter.numel() * 4 for parameter in network.parameters()) / 2**20


def _ctranslate2(network: StanceNetwork, _: Path, __: Sequence[list[int]]) -> tuple[Reader, float]:
    """Read as serving does, one window at a time, whatever it is given together."""
    weights, shape = quantize_encoder(network.encoder)
    engine = Engine(weights, shape, head_arrays(network))

    def read(ids: Ints, mask: Ints) -> Floats:
        return np.stack([engine.read(row[: kept.sum()].tolist())[0] for row, kept in zip(ids, mask, strict=True)])

    return read, len(weights) / 2**20


def _onnxruntime(network: StanceNetwork, folder: Path, _: Sequence[list[int]]) -> tuple[Reader, float]:
    import onnxruntime
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(_export_onnx(network, folder), folder / "int8.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "int8.onnx", options, providers=["CPUExecutionProvider"])

    def read(ids: Ints, mask: Ints) -> Floats:
        logits: Floats = session.run(["stance"], {"ids": ids, "mask": mask})[0]
        return logits

    return read, (folder / "int8.onnx").stat().st_size / 2**20


def _openvino(network: StanceNetwork, folder: Path, rows: Sequence[list[int]]) -> tuple[Reader, float]:
    import nncf
    import openvino

    model = openvino.Core().read_model(_export_onnx(network, folder))
    calibration = nncf.Dataset(
        [_pad([row]) for row in rows[:_CALIBRATION_ROWS]], lambda pair: dict(zip(("ids", "mask"), pair, strict=True))
    )
    quantized = nncf.quantize(model, calibration, model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantized, folder / "int8.xml")
    compiled = openvino.Core().compile_model(quantized, "CPU", {"INFERENCE_NUM_THREADS": 1})

    def read(ids: Ints, mask: Ints) -> Floats:
        return np.array(compiled({"ids": ids, "mask": mask})["stance"])

    return read, (folder / "int8.bin").stat().st_size / 2**20


ENGINES: dict[str, Callable[[StanceNetwork, Path, Sequence[list[int]]], tuple[Reader, float]]] = {
    "torch float32": _torch,
    "CTranslate2 int8": _ctranslate2,
    "ONNX Runtime int8, dynamic": _onnxruntime,
    "OpenVINO int8, nncf": _openvino,
}


def _export_onnx(network: StanceNetwork, folder: Path) -> Path:
    path = folder / "plain.onnx"
    example = (torch.ones(2, 9, dtype=torch.long), torch.ones(2, 9, dtype=torch.long))
    axes = {name: {0: "windows", 1: "ids"} for name in ("ids", "mask")}
    torch.onnx.export(
        network,
        example,
        path,
        input_names=list(axes),
        output_names=["stance", "condition"],
        dynamic_axes=axes,
        dynamo=False,
    )
    return path


def _pad(rows: Sequence[list[int]]) -> tuple[Ints, Ints]:
    length = max(map(len, rows))
    ids = np.array([row + [1] * (length - len(row)) for row in rows])
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask


def _softmax(logits: Floats) -> Floats:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
