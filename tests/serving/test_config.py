"""configs/serve.toml has every key of the service."""

from pathlib import Path

import pytest

from models.errors import ConfigError
from serving.config import DEFAULT_CONFIG, read_serve_config


def test_the_projects_settings_are_the_documented_ones() -> None:
    """The limits that the README names, and loopback."""
    config = read_serve_config({})
    assert "127.0.0.1" == config.host
    assert (64, 4000, 4 * 1024 * 1024) == (config.limits.statements, config.limits.characters, config.limits.body_bytes)
    assert (32, 3) == (config.limits.json_levels, config.limits.body_seconds)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("statements = 64", "statements = 0", "limits.statements: Input should be greater than or equal to 1, not 0"),
        ("statements = 64", "", "limits.statements: the key is missing"),
        ("statements = 64", "statements = 64\nstatement = 3", "limits.statement: no such key"),
        ("characters = 4000", "characters = 4001", "limits.characters: Input should be less than or equal to 4000"),
        ("[access]", "[access", "not TOML"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Table, key and fault stand in the message, and the file that STANCE_CONFIG named."""
    path = tmp_path / "mine.toml"
    text = DEFAULT_CONFIG.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if old != "statements = 64" else text.replace(f"\n{old}", f"\n{new}"))
    with pytest.raises(ConfigError, match=r"mine\.toml") as caught:
        read_serve_config({"STANCE_CONFIG": str(path)})
    assert message in str(caught.value)
