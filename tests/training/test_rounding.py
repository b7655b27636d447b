"""Training in rounded numbers: what is trained is what ships."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, PreTrainedModel

from models.engine import Engine
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
    """Nearer to the int8 engine than the floats are, by far."""
    weights, shape = quantize_encoder(network.encoder)
    engine = np.array(Engine(weights, shape, head_arrays(network)).read(IDS[0].tolist())[0])
    mask = torch.ones_like(IDS)
    with torch.inference_mode():
        floats = network(IDS, mask)[0][0].numpy()
    with torch.no_grad(), rounded(network):
        close = network(IDS, mask)[0][0].numpy()
    assert np.abs(close - engine).max() < 0.5 * np.abs(floats - engine).max()


def test_afterwards_the_weights_are_those_of_the_rows(network: StanceNetwork) -> None:
    """The context leaves no hook and no second copy, and exporting loses nothing more."""
    names = set(network.state_dict())
    before = read_weights(quantize_encoder(network.encoder)[0])
    with rounded(network):
        pass
    assert set(network.state_dict()) == names
    after = read_weights(quantize_encoder(network.encoder)[0])
    # A step is the greatest weight over 127, and 127 times that is not always the same float again.
    assert all(np.allclose(after[name], before[name], rtol=1e-6, atol=0) for name in before)
    linear = network.encoder.encoder.layer[0].intermediate.dense
    assert torch.equal(linear.weight, round_rows(linear.weight))
    assert not linear._forward_pre_hooks
