"""A network made of int8 weights again: what is exported of it is the model that it came from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, PreTrainedModel

from models.errors import ModelError
from models.folder import open_folder
from training.dequantize import dequantize, read_weights, write_trainable
from training.export import head_arrays, quantize_encoder
from training.network import load_weights

_SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
ENCODERS = {
    "bert": lambda: BertModel(BertConfig(max_position_embeddings=40, **_SIZES), add_pooling_layer=False),
    "mpnet": lambda: MPNetModel(MPNetConfig(max_position_embeddings=40, **_SIZES), add_pooling_layer=False),
}


@pytest.mark.parametrize("seed", [None, 1])
def test_the_shipped_model_comes_back_byte_for_byte(seed: int | None) -> None:
    """Weights, shape and heads: int8 -> float -> int8 loses nothing, dithered or not."""
    folder = open_folder(Path("models/default"))
    network = dequantize(folder, seed=seed)
    weights, shape = quantize_encoder(network.encoder)
    assert folder.encoder() == weights
    assert folder.manifest.encoder == shape
    from safetensors.numpy import load

    for name, array in load(folder.files["heads.safetensors"]).items():
        assert (array == head_arrays(network)[name]).all()


def test_a_written_network_is_a_start_for_training(tiny_folder: Path, tmp_path: Path) -> None:
    """It loads as any trained network does, a BERT here, and exports to the same weights."""
    write_trainable(tiny_folder, tmp_path / "network")
    network = load_weights(tmp_path / "network")
    folder = open_folder(tiny_folder)
    assert folder.encoder() == quantize_encoder(network.encoder)[0]
    assert folder.files["tokenizer.json"] == (tmp_path / "network" / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("kind", sorted(ENCODERS))
def test_unquantized_weights_keep_their_values(kind: str) -> None:
    """Each table of an encoder is found under its name."""
    torch.manual_seed(1)
    encoder: PreTrainedModel = ENCODERS[kind]()
    arrays = read_weights(quantize_encoder(encoder, "float32")[0])
    words = encoder.embeddings.word_embeddings.weight.detach().numpy()
    assert (words == arrays["encoder/embeddings_0/weight"]).all()
    last = encoder.encoder.layer[1].output.dense.weight.detach().numpy()
    assert (last == arrays["encoder/layer_1/ffn/linear_1/weight"]).all()


def test_weights_of_another_version_or_cut_short_are_refused() -> None:
    """The version, or the byte, is named."""
    content = quantize_encoder(ENCODERS["bert"]())[0]
    with pytest.raises(ModelError, match="binary version 9, not 6"):
        read_weights(b"\x09" + content[1:])
    with pytest.raises(ModelError, match=rf"end early, at byte \d+ of {len(content) - 200}"):
        read_weights(content[:-200])


def test_small_steps_of_training_are_not_rounded_away() -> None:
    """A fifth of a step: weights in the middle of theirs lose it, dithered ones keep it on average."""
    content = open_folder(Path("models/default")).encoder()
    name = "encoder/layer_11/ffn/linear_0/weight"
    before = read_weights(content)[name]
    moved = 0.2 * np.abs(before).max(axis=1, keepdims=True) / 127
    for draw, kept in ((None, 0.0), (np.random.default_rng(1), 0.2)):
        weights = read_weights(content, draw=draw)[name]
        step = np.abs(weights).max(axis=1, keepdims=True) / 127
        inner = np.abs(before) < 0.9 * np.abs(before).max(axis=1, keepdims=True)
        change = np.rint((weights + moved) / step) - np.rint(before / step)
        assert change[inner].mean() == pytest.approx(kept, abs=0.01)
