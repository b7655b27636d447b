"""
Training in the numbers in which the model ships: weights and activations rounded as the int8 engine rounds them.

Straight-through rounding after Bengio, Leonard and Courville 2013, "Estimating or Propagating Gradients Through
Stochastic Neurons", as Jacob et al. 2018 train with it ("Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference"): forward the rounded values, backward as if nothing had been rounded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import PreTrainedModel

from training.network import StanceNetwork

_GREATEST = 127
_SMALLEST = 1e-12


def round_rows(values: Tensor) -> Tensor:
    """Round each row to 255 steps, the greatest of them its greatest value; gradients pass as if it were not."""
    with torch.no_grad():
        step = (values.abs().amax(dim=-1, keepdim=True) / _GREATEST).clamp_min(_SMALLEST)
        moved = (values / step).round_().mul_(step).sub_(values)
    return values + moved


@contextmanager
def rounded(network: StanceNetwork) -> Iterator[None]:
    """
    Let an encoder compute with rounded weights and activations; afterwards it has its weights in floats again.

    So they can be trained on: rounded ones would lose whatever moves them by less than half a step. The heads stay in
    floats, as they ship.
    """
    hooks, trained, kept = [], [], []
    floats = _tables_in_floats(network.encoder)
    for module in network.encoder.modules():
        if isinstance(module, nn.Linear | nn.Embedding) and module not in floats:
            if module.weight.requires_grad:
                parametrize.register_parametrization(module, "weight", _RoundedRows())
                trained.append(module)
            else:
                kept.append((module, module.weight.data))
                module.weight.data = round_rows(module.weight.data)
        if isinstance(module, nn.Linear):
            hooks.append(module.register_forward_pre_hook(_round_input))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for module in trained:
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
        for module, weight in kept:
            module.weight.data = weight


class _RoundedRows(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return round_rows(weight)


def _round_input(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    # In float32: what autocast hands on in bfloat16 has fewer digits than there are steps.
    return round_rows(inputs[0].float()), *inputs[1:]


def _tables_in_floats(encoder: PreTrainedModel) -> list[nn.Module | None]:
    """Give what `export.py` does not round: MPNet's relative positions, and BERT's absolute ones."""
    relative = getattr(encoder.encoder, "relative_attention_bias", None)
    return [relative, encoder.embeddings.position_embeddings if encoder.config.model_type == "bert" else None]
