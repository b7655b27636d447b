"""Training in rounded numbers: what is trained is what ships."""

import json
import os
import pickle
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, PreTrainedModel

from training.dequantize import read_weights
from training.export import head_arrays, quantize_encoder
from training.network import StanceNetwork
from training.rounding import round_rows, rounded

_SIZES = {
    "vocab_size": 50,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
}
ENCODERS = {
    "bert": lambda: BertModel(BertConfig(max_position_embeddings=40, **_SIZES), add_pooling_layer=False),
    "mpnet": lambda: MPNetModel(MPNetConfig(max_position_embeddings=40, **_SIZES), add_pooling_layer=False),
}
_READ = """
import json, pickle, sys
from models.engine import Engine
*engine, ids = pickle.load(sys.stdin.buffer)
print(json.dumps(Engine(*engine).read(ids)[0].tolist()))
"""
IDS = torch.tensor([[0, 7, 9, 30, 22, 41, 8, 2]])


@pytest.fixture(params=ENCODERS)
def network(request: pytest.FixtureRequest) -> StanceNetwork:
    torch.manual_seed(3)
    encoder: PreTrainedModel = ENCODERS[request.param]()
    return StanceNetwork(encoder).eval()


def test_rows_are_rounded_to_the_nearest_step() -> None:
    """A row has 127 steps to each side; a row of zeros stays one, and gradients pass through."""
    values = torch.tensor([[1.0, 0.4961, -0.003], [0.0, 0.0, 0.0]], requires_grad=True)
    result = round_rows(values)
    assert torch.allclose(result * 127, torch.tensor([[127.0, 63.0, 0.0], [0.0, 0.0, 0.0]]), atol=1e-3)
    result.sum().backward()
    assert torch.equal(values.grad, torch.ones(2, 3))


def test_rounded_network_reads_as_the_engine_does(network: StanceNetwork) -> None:
    """To float32's last digits, while the network in floats is elsewhere."""
    weights, shape = quantize_encoder(network.encoder)
    engine = _read_exactly(weights, shape, head_arrays(network), IDS[0].tolist())
    mask = torch.ones_like(IDS)
    with torch.inference_mode():
        floats = network(IDS, mask)[0][0].numpy()
    with torch.no_grad(), rounded(network):
        close = network(IDS, mask)[0][0].numpy()
    assert np.abs(close - engine).max() < 1e-5 < np.abs(floats - engine).max()


def _read_exactly(*given: object) -> NDArray[np.float32]:
    """Let the engine multiply by MKL, in a process of its own: oneDNN is not exact on processors without VNNI."""
    exact = {"CT2_USE_MKL": "1"} if platform.machine() == "x86_64" else {}
    result = subprocess.run(
        [sys.executable, "-c", _READ], input=pickle.dumps(given), capture_output=True, check=True,
        env={**os.environ, **exact},
    )  # fmt: skip
    return np.array(json.loads(result.stdout), dtype=np.float32)


def test_inputs_are_rounded_in_float32_though_they_come_in_bfloat16(network: StanceNetwork) -> None:
    """As the engine, which knows no bfloat16, rounds them: to whole steps, none beyond the greatest."""
    seen: list[torch.Tensor] = []
    linear = network.encoder.encoder.layer[0].output.dense
    mask = torch.ones_like(IDS)
    with torch.no_grad(), rounded(network), torch.autocast("cpu", torch.bfloat16):
        handle = linear.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
        network(IDS, mask)
        handle.remove()
    steps = seen[0] * 127 / seen[0].abs().amax(dim=-1, keepdim=True)
    assert seen[0].dtype == torch.float32
    assert torch.allclose(steps, steps.round(), atol=1e-3)


@pytest.mark.parametrize("frozen_layers", [0, 1])
def test_afterwards_the_weights_are_floats_again(network: StanceNetwork, frozen_layers: int) -> None:
    """The context leaves no hook, no second copy and no rounding, in layers that learn or that are frozen."""
    network.freeze_lowest(frozen_layers)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    linear = network.encoder.encoder.layer[0].intermediate.dense
    with rounded(network):
        assert torch.equal(linear.weight, round_rows(linear.weight))
        assert not torch.equal(linear.weight, before["encoder.encoder.layer.0.intermediate.dense.weight"])
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert not linear._forward_pre_hooks


def test_export_rounds_as_training_did(network: StanceNetwork) -> None:
    """The rows of the folder are those that the network computed with."""
    linear = network.encoder.encoder.layer[1].output.dense
    with rounded(network):
        trained = linear.weight.detach().clone().numpy()
    shipped = read_weights(quantize_encoder(network.encoder)[0])["encoder/layer_1/ffn/linear_1/weight"]
    assert np.allclose(shipped, trained, rtol=1e-6, atol=0)
