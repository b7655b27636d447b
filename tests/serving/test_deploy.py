"""The files for whoever runs the service speak of what the service has."""

import json
import re
import tomllib
from pathlib import Path

from serving.metrics import Metrics
from training.retrain import Outcome

DEPLOY = Path(__file__).parent.parent.parent / "configs" / "deploy"
SETTINGS = tomllib.loads((DEPLOY.parent / "serve.toml").read_text())


def _sample_names() -> set[str]:
    metrics = Metrics()
    names = {family.name for family in metrics.registry.collect()}
    return names | {f"{name}{suffix}" for name in names for suffix in ("_total", "_bucket", "_sum", "_count")}


def test_dashboard_and_alerts_ask_for_metrics_that_there_are() -> None:
    """Every name with our prefix, in either file; and every metric is shown or watched."""
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = set(re.findall(r"\bstance_[a-z_]+", " ".join(shown) + (DEPLOY / "alerts.yml").read_text()))
    assert len(asked) > 10
    assert set() == asked - _sample_names()


def test_nginx_and_the_service_agree() -> None:
    """The port, the body's limit and its time; a proxied answer may take as long as the service allows."""
    site = (DEPLOY / "nginx.conf").read_text()
    assert f"server 127.0.0.1:{SETTINGS['port']};" in site
    assert "client_max_body_size        4m;" in site
    assert 4 * 1024 * 1024 == SETTINGS["limits"]["body_bytes"]
    assert f"client_body_timeout         {SETTINGS['limits']['body_seconds']}s;" in site
    (seconds,) = re.findall(r"proxy_read_timeout +(\d+)s", site)
    assert int(seconds) > SETTINGS["limits"]["answer_seconds"]


def test_systemd_waits_for_the_requests_in_hand() -> None:
    """The stop's limit is beyond the drain and the longest answer."""
    unit = (DEPLOY / "stance.service").read_text()
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) > SETTINGS["drain_seconds"] + SETTINGS["limits"]["answer_seconds"]
    assert "WatchdogSec=" in unit


def test_the_weekly_job_takes_a_refusal_for_no_failure() -> None:
    """Both schedules know the exit codes of the command."""
    codes = sorted(outcome for outcome in Outcome if outcome)
    unit = (DEPLOY / "retrain.service").read_text()
    assert f"SuccessExitStatus={' '.join(str(int(code)) for code in codes)}\n" in unit
    assert "-m training retrain /etc/stance/retrain.toml" in unit
    cron = (DEPLOY / "retrain-cronjob.yml").read_text()
    assert f"values: {[int(code) for code in codes]}" in cron
    assert "concurrencyPolicy: Forbid" in cron
    assert "OnCalendar=Sun 22:00" in (DEPLOY / "retrain.timer").read_text()
    assert 'schedule: "0 22 * * 0"' in cron
