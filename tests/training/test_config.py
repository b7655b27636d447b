"""Config files hold every key, and no other."""

from pathlib import Path

import pytest

from models.errors import ConfigError
from training.config import read_fit_config

CONFIGS = Path(__file__).parent.parent.parent / "configs"
SMOKE = CONFIGS / "smoke.toml"


@pytest.mark.parametrize(
    "path",
    sorted(path for path in CONFIGS.glob("*.toml") if path.stem not in ("serve", "gate", "retrain", "distil")),
    ids=lambda path: path.name,
)
def test_every_training_config_is_read(path: Path) -> None:
    """A name that fits its file, and nothing missing."""
    assert path.stem == read_fit_config(path).name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 12", "epochs = 0", "epochs: Input should be greater than or equal to 1, not 0"),
        ("epochs = 12", "", "epochs: the key is missing"),
        ("epochs = 12", "epochs = 12\nepoch = 3", "epoch: no such key"),
        ("epochs = 12", "epochs = ", "not TOML"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Key, fault and value stand in the message."""
    path = tmp_path / "wrong.toml"
    text = SMOKE.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match="wrong.toml") as caught:
        read_fit_config(path)
    assert message in str(caught.value)
