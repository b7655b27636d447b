"""
Fine-tuning: labelled statements and a fresh network in, a trained network out; resumable.

The loop is our own: two heads with a loss each, a share of the rare and common stances drawn anew each
epoch, and a checkpoint that holds the trained layers only would each have to be bent into a Trainer.
"""

import json
import logging
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from models.stance import STANCES, Stance
from training.batches import Batch, Encoded, collate, order_epoch
from training.config import FitConfig
from training.network import StanceNetwork, mixed_precision
from training.rounding import rounded

logger = logging.getLogger(__name__)

_CLIP = 1.0


@dataclass(frozen=True, slots=True)
class LossWeights:
    """
    How much each label counts.

    Attributes:
        stances: (4,), in Stance order.
        confidences: (4,), by confidence 0 to 3; position 0 is what a teacher read.
        condition: the condition head's loss beside the stance head's.
    """

    stances: Tensor
    confidences: Tensor
    condition: float


def fine_tune(
    network: StanceNetwork, encoded: Sequence[Encoded], config: FitConfig, *, folder: Path, padding_id: int
) -> None:
    """
    Train a network in place; a run that was cut off goes on from its last checkpoint in `folder`.

    The same config, data and device give the same weights, whether or not the run was cut off.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.freeze_lowest(config.frozen_layers)
    network.to(device).train()
    with rounded(network) if config.rounded else nullcontext():
        _run(network, encoded, config, folder=folder, padding_id=padding_id, device=device)
    network.eval()


def _run(
    network: StanceNetwork,
    encoded: Sequence[Encoded],
    config: FitConfig,
    *,
    folder: Path,
    padding_id: int,
    device: torch.device,
) -> None:
    batches = [batch for epoch in range(config.epochs) for batch in _order(encoded, config, epoch)]
    optimizer = _make_optimizer(network, config)
    schedule = LambdaLR(optimizer, lambda step: _rate(step, len(batches), config.warmup_share))
    weights = weigh_labels(encoded, config, device)
    checkpoint = folder / "checkpoint.pt"
    done = _resume(checkpoint, network, optimizer, schedule)
    progress = tqdm(batches[done:], initial=done, total=len(batches), desc=f"fit {config.name}", mininterval=2)
    losses: list[Tensor] = []
    for step, positions in enumerate(progress, start=done + 1):
        batch = _to_device(collate([encoded[i] for i in positions], padding_id), device)
        losses.append(_take_step(network, batch, weights, optimizer))
        schedule.step()
        if step % config.checkpoint_steps == 0 or step == len(batches):
            _write_checkpoint(checkpoint, step, network, optimizer, schedule)
            _log(folder, step=step, of=len(batches), loss=torch.stack(losses).mean().item())
            losses.clear()


def weigh_labels(encoded: Sequence[Encoded], config: FitConfig, device: torch.device) -> LossWeights:
    """Weigh stances by how rare they are among the labels that one epoch draws, confidences by the config."""
    counts = Counter(one.stance for one in encoded if one.soft is None)
    drawn = [counts[i] * (config.none_share if stance == Stance.NONE else 1) for i, stance in enumerate(STANCES)]
    total = sum(drawn)
    stances = [(total / (len(drawn) * max(n, 1))) ** config.class_weight_power for n in drawn]
    return LossWeights(
        torch.tensor(stances, device=device),
        torch.tensor([1.0, *config.confidence_weights], device=device),
        config.condition_weight,
    )


def two_head_loss(stance_logits: Tensor, condition_logits: Tensor, batch: Batch, weights: LossWeights) -> Tensor:
    """
    Add the weighted cross-entropy of the stances and that of the condition tokens.

    What a teacher read is not weighed by stance: its probabilities say already how rare each is.

    Args:
        stance_logits: (n_statements, 4).
        condition_logits: (n_statements, n_tokens).
    """
    each = functional.cross_entropy(stance_logits, batch.targets, reduction="none")
    by_stance = torch.where(batch.confidences == 0, 1.0, batch.targets @ weights.stances)
    stance = (each * by_stance * weights.confidences[batch.confidences]).mean()
    tokens = functional.binary_cross_entropy_with_logits(condition_logits, batch.in_condition, reduction="none")
    condition = (tokens * batch.mask).sum() / batch.mask.sum()
    return stance + weights.condition * condition


def _order(encoded: Sequence[Encoded], config: FitConfig, epoch: int) -> list[list[int]]:
    return order_epoch(
        encoded, none_share=config.none_share, batch_size=config.batch_size, seed=config.seed, epoch=epoch
    )


def _take_step(network: StanceNetwork, batch: Batch, weights: LossWeights, optimizer: Optimizer) -> Tensor:
    optimizer.zero_grad(set_to_none=True)
    with mixed_precision(batch.ids.device):
        stance_logits, condition_logits = network(batch.ids, batch.mask)
    loss = two_head_loss(stance_logits.float(), condition_logits.float(), batch, weights)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
    optimizer.step()
    # Not .item(): it would make every step wait for the GPU.
    return loss.detach()


def _make_optimizer(network: StanceNetwork, config: FitConfig) -> Optimizer:
    """
    Let the fresh heads learn faster than the encoder, and its lower layers slower; biases and norms are not decayed.

    Layer-wise rates after Howard and Ruder 2018, "Universal Language Model Fine-tuning": each layer learns at
    `layer_decay` times the rate of the one above it.
    """
    layers = network.encoder.config.num_hidden_layers
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            rate = config.head_learning_rate
            if name.startswith("encoder."):
                rate = config.learning_rate * config.layer_decay ** _depth_below_top(name, layers)
            groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return AdamW(
        [
            {"params": parameters, "lr": rate, "weight_decay": config.weight_decay if decayed else 0.0}
            for (rate, decayed), parameters in groups.items()
        ],
        fused=True,
    )


def _depth_below_top(name: str, layers: int) -> int:
    """Count the layers above a parameter of the encoder; what feeds them all lies below the lowest."""
    numbered = re.match(r"encoder\.encoder\.layer\.(\d+)\.", name)
    return layers - 1 - int(numbered[1]) if numbered else layers


def _rate(step: int, steps: int, warmup_share: float) -> float:
    warmup = max(1, math.ceil(warmup_share * steps))
    return (step + 1) / warmup if step < warmup else max(0.0, (steps - step) / max(1, steps - warmup))


def _to_device(batch: Batch, device: torch.device) -> Batch:
    return Batch(*(getattr(batch, name).to(device) for name in Batch.__slots__))


def _trained(network: StanceNetwork) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad)


def _write_checkpoint(path: Path, step: int, network: StanceNetwork, optimizer: Optimizer, schedule: LambdaLR) -> None:
    neighbour = path.with_suffix(".part")
    state = {
        "step": step,
        "weights": {name: parameter.detach() for name, parameter in _trained(network)},
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "random": torch.get_rng_state(),
        "random_gpu": torch.cuda.get_rng_state_all(),
    }
    torch.save(state, neighbour)
    neighbour.replace(path)


def _resume(path: Path, network: StanceNetwork, optimizer: Optimizer, schedule: LambdaLR) -> int:
    """Take up a checkpoint where there is one; give the steps that it had done."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    with torch.no_grad():
        for name, parameter in _trained(network):
            parameter.copy_(state["weights"][name])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["random"])
    torch.cuda.set_rng_state_all(state["random_gpu"])
    logger.info("%s: going on after step %d", path, state["step"])
    return int(state["step"])


def _log(folder: Path, **values: float) -> None:
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(values) + "\n")
