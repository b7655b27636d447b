"""What Prometheus and systemd themselves say of the files in configs/deploy."""

import subprocess
from pathlib import Path

import pytest

from tests.load.served import ROOT

pytestmark = pytest.mark.deploy
DEPLOY = ROOT / "configs" / "deploy"


def test_promtool_accepts_the_alerts(tmp_path: Path) -> None:
    """Control: it refuses one with an unclosed bracket."""
    rules = DEPLOY / "alerts.yml"
    assert 0 == subprocess.run(["promtool", "check", "rules", rules], check=False).returncode
    broken = tmp_path / "alerts.yml"
    broken.write_text(rules.read_text().replace("rate(stance", "rate((stance", 1))
    assert 0 != subprocess.run(["promtool", "check", "rules", broken], check=False).returncode


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """With a program in the place of the installed one; control: a watchdog that is no time is told of."""
    unit = tmp_path / "stance.service"
    text = (DEPLOY / "stance.service").read_text().replace("/opt/detente/.venv/bin/python", "/usr/bin/env")
    for content, is_sound in ((text, True), (text.replace("WatchdogSec=15", "WatchdogSec=soon"), False)):
        unit.write_text(content)
        ran = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
        assert is_sound == (unit.name not in ran.stderr), ran.stderr
