"""Model folder -> trainable network: the inverse of `export.py`, for models whose float weights nobody kept."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load
from transformers import AutoModel, BertConfig, MPNetConfig, PretrainedConfig

from models.errors import ModelError
from models.folder import ModelFolder, open_folder
from training.network import StanceNetwork, save_weights

Floats = NDArray[np.float32]
_BINARY_VERSION = 6
_GREATEST = 127
# Of a step to either side: just less than half, or float32's own rounding would now and then cross it.
_WITHIN = 0.499
_SEED = 20261126
# The order of CTranslate2's DataType; bfloat16, which numpy has not, is never written here.
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


def write_trainable(model: Path, target: Path) -> None:
    """
    Write a model folder's weights as a network that can be trained on, with its tokenizer, beside and renamed.

    Raises:
        ModelError: the folder is refused, or its encoder is not one that `export.py` writes.
    """
    folder = open_folder(model)
    network = dequantize(folder, seed=_SEED)
    neighbour = target.with_name(target.name + ".part")
    save_weights(network, neighbour)
    (neighbour / "tokenizer.json").write_bytes(folder.files["tokenizer.json"])
    neighbour.rename(target)


def dequantize(folder: ModelFolder, *, seed: int | None = None) -> StanceNetwork:
    """
    Make the network whose export is this model: each int8 weight times its row's step, all else as it is.

    Args:
        seed: draws for each weight a place within the step that is rounded to it (dither: Roberts 1962, "Picture
            Coding Using Pseudo-Random Noise"); None puts all in the middle. Of weights in the middle, what training
            moves by less than half a step is rounded away again, all of it; of weights anywhere, the share that
            crosses to the next step is what was moved, on average.

    Raises:
        ModelError: the encoder is of another format or kind.
    """
    arrays = read_weights(folder.encoder(), draw=None if seed is None else np.random.default_rng(seed))
    kind = json.loads(folder.files["config.json"])["model_type"]
    if kind not in ("bert", "mpnet"):
        raise ModelError(f"encoder type {kind!r} is not one of bert, mpnet")
    config = _config(kind, folder, arrays)
    network = StanceNetwork(AutoModel.from_config(config, add_pooling_layer=False))
    network.encoder.load_state_dict(_named(kind, arrays, config.num_hidden_layers), strict=False)
    heads = {name: torch.from_numpy(array) for name, array in load(folder.files["heads.safetensors"]).items()}
    for head, module in (("stance", network.stance_head), ("condition", network.condition_head)):
        module.load_state_dict({part: heads[f"{head}.{part}"] for part in ("weight", "bias")})
    return network


def read_weights(content: bytes, *, draw: np.random.Generator | None = None) -> dict[str, Floats]:
    """
    Read CTranslate2's binary weights (its `ModelSpec._serialize`, version 6), int8 tables as floats.

    Args:
        draw: dithers each int8 weight within its step.

    Returns:
        name -> array of the shape it was written with; aliases hold the same array as what they name.

    Raises:
        ModelError: another version, or a file that ends early.
    """
    stream = io.BytesIO(content)
    try:
        arrays = _read_variables(stream)
    except (struct.error, ValueError) as error:
        raise ModelError(f"the encoder's weights end early, at byte {stream.tell()} of {len(content)}") from error
    for name, scale in [(name, array) for name, array in arrays.items() if name.endswith("_scale")]:
        table = name.removesuffix("_scale")
        steps = arrays[table].astype(np.float32)
        if draw:
            # The greatest of a row stays: it decides how long the row's steps are. A row of zeros has none.
            is_free = (np.abs(steps) < _GREATEST) & steps.any(axis=1, keepdims=True)
            steps += np.where(is_free, draw.uniform(-_WITHIN, _WITHIN, steps.shape), 0)
        arrays[table] = (steps / scale[:, None]).astype(np.float32)
    return arrays


def _read_variables(stream: io.BytesIO) -> dict[str, Any]:
    (version,) = _unpack(stream, "I")
    if version != _BINARY_VERSION:
        raise ModelError(f"encoder weights of binary version {version}, not {_BINARY_VERSION}")
    _name(stream)
    _, count = _unpack(stream, "II")
    arrays: dict[str, Any] = {}
    for _ in range(count):
        name = _name(stream)
        (rank,) = _unpack(stream, "B")
        shape = _unpack(stream, f"{rank}I")
        kind, n_bytes = _unpack(stream, "=BI")
        arrays[name] = np.frombuffer(stream.read(n_bytes), _TYPES[kind]).reshape(shape)
    (count,) = _unpack(stream, "I")
    for _ in range(count):
        alias = _name(stream)
        arrays[alias] = arrays[_name(stream)]
    return arrays


def _unpack(stream: io.BytesIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, stream.read(struct.calcsize(layout)))


def _name(stream: io.BytesIO) -> str:
    (length,) = _unpack(stream, "H")
    return stream.read(length)[:-1].decode()


def _config(kind: str, folder: ModelFolder, arrays: dict[str, Floats]) -> PretrainedConfig:
    """Read the encoder's shape off its arrays; what they do not say stands in the manifest."""
    shape = folder.manifest.encoder
    first_layer = "encoder/layer_0"
    given: dict[str, Any] = {
        "vocab_size": shape.vocabulary_size,
        "hidden_size": arrays["encoder/embeddings_0/weight"].shape[1],
        "num_hidden_layers": sum(name.endswith("ffn/linear_0/weight") for name in arrays),
        "num_attention_heads": int(arrays["encoder/num_heads"]),
        "intermediate_size": arrays[f"{first_layer}/ffn/linear_0/weight"].shape[0],
        "layer_norm_eps": shape.layer_norm_epsilon,
    }
    if kind == "bert":
        given["max_position_embeddings"] = len(arrays["encoder/position_encodings/encodings"])
        return BertConfig(type_vocab_size=len(arrays["encoder/embeddings_1/weight"]), pad_token_id=0, **given)
    given["max_position_embeddings"] = len(arrays["encoder/embeddings_1/weight"])
    buckets = len(arrays[f"{first_layer}/self_attention/relative_attention_bias"])
    padding = (shape.first_position or 1) - 1
    return MPNetConfig(relative_attention_num_buckets=buckets, pad_token_id=padding, **given)


def _named(kind: str, arrays: dict[str, Floats], layers: int) -> dict[str, torch.Tensor]:
    """Give the arrays the names that transformers has for them."""
    is_mpnet = kind == "mpnet"
    attention = ("attention.attn.{}", "attention.attn.o", "attention.LayerNorm") if is_mpnet else (
        "attention.self.{}", "attention.output.dense", "attention.output.LayerNorm")  # fmt: skip
    inputs = ("q", "k", "v") if is_mpnet else ("query", "key", "value")
    named = {"embeddings.word_embeddings.weight": arrays["encoder/embeddings_0/weight"]}
    second = "position" if is_mpnet else "token_type"
    named[f"embeddings.{second}_embeddings.weight"] = arrays["encoder/embeddings_1/weight"]
    if is_mpnet:
        bias = arrays["encoder/layer_0/self_attention/relative_attention_bias"]
        named["encoder.relative_attention_bias.weight"] = bias
    else:
        named["embeddings.position_embeddings.weight"] = arrays["encoder/position_encodings/encodings"]
    norms = {"embeddings.LayerNorm": "encoder/layernorm_embedding"}
    linears = {}
    for layer in range(layers):
        ours, theirs = f"encoder/layer_{layer}", f"encoder.layer.{layer}"
        for part in ("weight", "bias"):
            fused = np.split(arrays[f"{ours}/self_attention/linear_0/{part}"], len(inputs))
            for name, array in zip(inputs, fused, strict=True):
                named[f"{theirs}.{attention[0].format(name)}.{part}"] = array
        linears[f"{theirs}.{attention[1]}"] = f"{ours}/self_attention/linear_1"
        linears[f"{theirs}.intermediate.dense"] = f"{ours}/ffn/linear_0"
        linears[f"{theirs}.output.dense"] = f"{ours}/ffn/linear_1"
        norms[f"{theirs}.{attention[2]}"] = f"{ours}/self_attention/layer_norm"
        norms[f"{theirs}.output.LayerNorm"] = f"{ours}/ffn/layer_norm"
    for name, place in linears.items():
        named |= {f"{name}.weight": arrays[f"{place}/weight"], f"{name}.bias": arrays[f"{place}/bias"]}
    for name, place in norms.items():
        named |= {f"{name}.weight": arrays[f"{place}/gamma"], f"{name}.bias": arrays[f"{place}/beta"]}
    return {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in named.items()}
