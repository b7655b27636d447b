"""Trained network -> int8 inference weights: CTranslate2's for the encoder, plain floats for the two heads."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from models.errors import ModelError
from models.manifest import EncoderShape
from training.network import StanceNetwork

Floats = NDArray[np.float32]
_MPNET_MAX_DISTANCE = 128


def quantize_encoder(encoder: PreTrainedModel, quantization: str = "int8") -> tuple[bytes, EncoderShape]:
    """
    Convert an encoder to CTranslate2's format, weights in int8 with one scale a row.

    MPNet is not among CTranslate2's own converters. It fits all the same: its relative positions are
    T5's, and its absolute ones go in as the second embedding table, fed with positions instead of types.

    Args:
        encoder: a transformers BertModel or MPNetModel.
        quantization: a quantization type of CTranslate2; "float32" for comparisons.

    Raises:
        ModelError: another architecture.
    """
    config = encoder.config
    if config.model_type not in ("bert", "mpnet"):
        raise ModelError(f"encoder type {config.model_type!r} is not one of bert, mpnet")
    is_mpnet = config.model_type == "mpnet"
    spec = transformer_spec.TransformerEncoderModelSpec(
        transformer_spec.TransformerEncoderSpec(
            config.num_hidden_layers,
            config.num_attention_heads,
            pre_norm=False,
            activation=common_spec.Activation.GELU,
            num_source_embeddings=2,
            embeddings_merge=common_spec.EmbeddingsMerge.ADD,
            layernorm_embedding=True,
            relative_attention_bias=is_mpnet,
        )
    )
    _set_embeddings(spec.encoder, encoder, is_mpnet=is_mpnet)
    for layer_spec, layer in zip(spec.encoder.layer, encoder.encoder.layer, strict=True):
        _set_layer(layer_spec, layer, is_mpnet=is_mpnet)
        if is_mpnet:
            bias = encoder.encoder.relative_attention_bias.weight
            layer_spec.self_attention.relative_attention_bias = _array(bias)
            layer_spec.self_attention.relative_attention_max_distance = np.int32(_MPNET_MAX_DISTANCE)
    spec.register_vocabulary([str(i) for i in range(config.vocab_size)])
    first_position = config.pad_token_id + 1 if is_mpnet else None
    return _serialize(spec, quantization), EncoderShape(
        vocabulary_size=config.vocab_size,
        layer_norm_epsilon=config.layer_norm_eps,
        first_position=first_position,
    )


def head_arrays(network: StanceNetwork) -> dict[str, Floats]:
    """Give the two heads as arrays: weights (n_outputs, width) and biases (n_outputs,)."""
    return {
        "stance.weight": _array(network.stance_head.weight),
        "stance.bias": _array(network.stance_head.bias),
        "condition.weight": _array(network.condition_head.weight),
        "condition.bias": _array(network.condition_head.bias),
    }


def _set_embeddings(spec: transformer_spec.TransformerEncoderSpec, encoder: PreTrainedModel, *, is_mpnet: bool) -> None:
    tables = encoder.embeddings
    positions = _array(tables.position_embeddings.weight)
    spec.scale_embeddings = False
    spec.embeddings[0].weight = _array(tables.word_embeddings.weight)
    if is_mpnet:
        spec.embeddings[1].weight = positions
    else:
        spec.embeddings[1].weight = _array(tables.token_type_embeddings.weight)
        spec.position_encodings.encodings = positions
    _set_norm(spec.layernorm_embedding, tables.LayerNorm)


def _set_layer(spec: transformer_spec.TransformerEncoderLayerSpec, layer: Any, *, is_mpnet: bool) -> None:
    attention = layer.attention
    if is_mpnet:
        inputs, output, norm = attention.attn, attention.attn.o, attention.LayerNorm
        projections = [inputs.q, inputs.k, inputs.v]
    else:
        inputs, output, norm = attention.self, attention.output.dense, attention.output.LayerNorm
        projections = [inputs.query, inputs.key, inputs.value]
    fused = spec.self_attention.linear[0]
    fused.weight = np.concatenate([_array(linear.weight) for linear in projections])
    fused.bias = np.concatenate([_array(linear.bias) for linear in projections])
    _set_linear(spec.self_attention.linear[1], output)
    _set_norm(spec.self_attention.layer_norm, norm)
    _set_linear(spec.ffn.linear_0, layer.intermediate.dense)
    _set_linear(spec.ffn.linear_1, layer.output.dense)
    _set_norm(spec.ffn.layer_norm, layer.output.LayerNorm)


def _set_linear(spec: common_spec.LinearSpec, linear: nn.Linear) -> None:
    spec.weight = _array(linear.weight)
    spec.bias = _array(linear.bias)


def _set_norm(spec: common_spec.LayerNormSpec, norm: nn.LayerNorm) -> None:
    spec.gamma = _array(norm.weight)
    spec.beta = _array(norm.bias)


def _array(tensor: Tensor) -> Floats:
    # A copy: quantization works in place, and would write into the network itself.
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32)


def _serialize(spec: transformer_spec.TransformerEncoderModelSpec, quantization: str) -> bytes:
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    with tempfile.TemporaryDirectory() as scratch:
        spec.save(scratch)
        return (Path(scratch) / "model.bin").read_bytes()
