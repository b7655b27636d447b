"""Fine-tuning: honest losses, frozen layers that stay, and runs that can be cut off."""

from pathlib import Path

import pytest
import torch
from transformers import MPNetConfig, MPNetModel

from training import fit
from training.batches import Encoded, collate
from training.config import FitConfig, read_fit_config
from training.fit import fine_tune, two_head_loss, weigh_labels
from training.network import StanceNetwork, load_weights, save_weights

SMOKE = Path(__file__).parent.parent.parent / "configs" / "smoke.toml"
ENCODED = [
    Encoded([0, 5 + n % 7, 12 + n % 5, 2], [False, n % 4 == 1, False, False], n % 4, 1 + n % 3) for n in range(48)
]


def _config(**changes: object) -> FitConfig:
    return read_fit_config(SMOKE).model_copy(update={"epochs": 2, "batch_size": 8, "checkpoint_steps": 3, **changes})


def _network() -> StanceNetwork:
    torch.manual_seed(2)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return StanceNetwork(MPNetModel(MPNetConfig(vocab_size=20, **size), add_pooling_layer=False))


@pytest.mark.parametrize("rounded", [False, True])
def test_a_run_cut_off_ends_in_the_weights_of_an_undisturbed_one(
    *, rounded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at step 5 of 12, after the checkpoint of step 3: dropout, order and rates go on from there."""
    whole = _network()
    torch.manual_seed(9)
    (tmp_path / "whole").mkdir()
    fine_tune(whole, ENCODED, _config(rounded=rounded), folder=tmp_path / "whole", padding_id=1)

    taken = []
    take_step = fit._take_step

    def stopped(*arguments: object) -> float:
        taken.append(1)
        if len(taken) == 5:
            raise KeyboardInterrupt
        return take_step(*arguments)  # type: ignore[arg-type]

    cut = _network()
    torch.manual_seed(9)
    (tmp_path / "cut").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(fit, "_take_step", stopped)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(cut, ENCODED, _config(rounded=rounded), folder=tmp_path / "cut", padding_id=1)
    again = _network()
    torch.manual_seed(77)
    fine_tune(again, ENCODED, _config(rounded=rounded), folder=tmp_path / "cut", padding_id=1)

    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_frozen_layers_keep_the_weights_of_the_base(tmp_path: Path) -> None:
    """Embeddings, the lowest layer and the table of positions stay; the layer above moves."""
    network = _network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fine_tune(network, ENCODED, _config(frozen_layers=1), folder=tmp_path, padding_id=1)
    moved = {name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)}
    assert any(name.startswith("encoder.encoder.layer.1.") for name in moved)
    assert {"stance_head.weight", "condition_head.weight"} <= moved
    frozen = ("encoder.embeddings.", "encoder.encoder.layer.0.", "encoder.encoder.relative")
    assert not [name for name in moved if name.startswith(frozen)]


def test_rare_stances_and_sure_labels_weigh_more() -> None:
    """Of 2, 8, 8 and 14 statements half of the last are drawn: 25 / (4 * 2) to the power 0.5 for the first."""
    stances = [0] * 2 + [1] * 8 + [2] * 8 + [3] * 14
    encoded = [Encoded([0], [False], stance, 3) for stance in stances]
    weights = weigh_labels(encoded, _config(none_share=0.5, class_weight_power=0.5), torch.device("cpu"))
    assert weights.stances.tolist() == pytest.approx(
        [(25 / 8) ** 0.5, (25 / 32) ** 0.5, (25 / 32) ** 0.5, (25 / 28) ** 0.5]
    )


def test_the_loss_leaves_padding_out() -> None:
    """Any condition logit on a padded place costs nothing."""
    batch = collate([Encoded([5, 6], [True, False], 1, 3), Encoded([7], [False], 3, 3)], padding_id=1)
    weights = weigh_labels(ENCODED, _config(), torch.device("cpu"))
    stance = torch.zeros(2, 4)
    condition = torch.tensor([[3.0, -3.0], [-3.0, 0.0]])
    padded = torch.tensor([[3.0, -3.0], [-3.0, 50.0]])
    assert two_head_loss(stance, condition, batch, weights) == two_head_loss(stance, padded, batch, weights)


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    """The trainable copy holds every tensor of both heads and the encoder."""
    network = _network()
    save_weights(network, tmp_path / "network")
    loaded = load_weights(tmp_path / "network").state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in network.state_dict().items())
    assert len(loaded) == len(network.state_dict())
