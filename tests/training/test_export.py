"""What serving computes is what training made."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, MPNetConfig, MPNetModel

from models.engine import Engine
from models.errors import ModelError
from training.export import head_arrays, quantize_encoder
from training.network import StanceNetwork

SIZE = {"vocab_size": 90, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
ROWS = [[0, *range(5, 5 + n), 2] for n in (1, 17, 62)]


def _network(kind: str) -> StanceNetwork:
    torch.manual_seed(1)
    if kind == "bert":
        return StanceNetwork(BertModel(BertConfig(**SIZE), add_pooling_layer=False)).eval()
    return StanceNetwork(MPNetModel(MPNetConfig(**SIZE), add_pooling_layer=False)).eval()


@pytest.mark.parametrize(("quantization", "tolerance"), [("float32", 1e-5), ("int8", 0.05)])
@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_the_engine_gives_the_logits_of_the_network(kind: str, quantization: str, tolerance: float) -> None:
    """In floats to the fifth place, in int8 near, and both heads, at every length."""
    network = _network(kind)
    weights, shape = quantize_encoder(network.encoder, quantization)
    engine = Engine(weights, shape, head_arrays(network))
    for row in ROWS:
        stance, condition = engine.read(row)
        with torch.no_grad():
            expected = network(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.long))
        np.testing.assert_allclose(stance, expected[0][0].numpy(), atol=tolerance)
        np.testing.assert_allclose(condition, expected[1][0].numpy(), atol=tolerance)


def test_exporting_leaves_the_network_as_it_was() -> None:
    """Quantization works in place, on a copy."""
    network = _network("mpnet")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    quantize_encoder(network.encoder)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_another_architecture_is_refused_by_name() -> None:
    """DistilBERT would need a converter of its own."""
    encoder = DistilBertModel(DistilBertConfig(vocab_size=20, dim=8, n_layers=1, n_heads=2, hidden_dim=8))
    with pytest.raises(ModelError, match="'distilbert' is not one of bert, mpnet"):
        quantize_encoder(encoder)
