"""The encoder with its two heads, in torch: stance of the statement, and condition by token."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from models.stance import STANCES

_DROPOUT = 0.1


class StanceNetwork(nn.Module):
    """
    An encoder, a stance head over the mean of its token vectors, and a condition head over each.

    The mean, because both sentence encoders that it starts from were trained with it.
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.dropout = nn.Dropout(_DROPOUT)
        self.stance_head = nn.Linear(width, len(STANCES))
        self.condition_head = nn.Linear(width, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """
        Read a batch.

        Args:
            ids: (n_statements, n_tokens), padded.
            mask: (n_statements, n_tokens), 1 for a token and 0 for padding.

        Returns:
            Stance logits (n_statements, 4) in Stance order; condition logits (n_statements, n_tokens).
        """
        vectors = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(vectors.dtype)
        mean = (vectors * weights).sum(dim=1) / weights.sum(dim=1)
        return self.stance_head(self.dropout(mean)), self.condition_head(self.dropout(vectors)).squeeze(-1)

    def freeze_lowest(self, layers: int) -> None:
        """Keep the embeddings and the lowest layers as they are; no layers, nothing is frozen."""
        if layers:
            frozen = [self.encoder.embeddings, *self.encoder.encoder.layer[:layers]]
            # MPNet's one table of relative positions feeds every layer, frozen ones included.
            if hasattr(self.encoder.encoder, "relative_attention_bias"):
                frozen.append(self.encoder.encoder.relative_attention_bias)
            for module in frozen:
                module.requires_grad_(requires_grad=False)


def mixed_precision(device: torch.device) -> torch.autocast:
    """
    Multiply in bfloat16 where the hardware does so many times faster; weights and losses stay in float32.

    A processor without bfloat16 tiles (AMX) would only emulate it, more slowly than it multiplies in float32.
    """
    enabled = device.type == "cuda" or bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def load_network(base: Path) -> StanceNetwork:
    """Load a base's encoder and put fresh heads on it; seed torch before, for the heads."""
    return StanceNetwork(AutoModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32))


def save_weights(network: StanceNetwork, folder: Path) -> None:
    """Write trainable weights (safetensors) and the encoder's config, from which they can be trained on."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), folder / "network.safetensors")
    network.encoder.config.save_pretrained(folder)


def load_weights(folder: Path) -> StanceNetwork:
    """Load what `save_weights` wrote."""
    network = StanceNetwork(AutoModel.from_config(AutoConfig.from_pretrained(folder), add_pooling_layer=False))
    network.load_state_dict(load_file(folder / "network.safetensors"))
    return network
