"""The operations guide has a line for everything that can be read on a screen at night."""

import re

import yaml

from emg_session.status import Reason
from tests.cluster.machine import ROOT

GUIDE = (ROOT / "docs" / "operations.md").read_text()
ROWS = re.findall(r"^\| (\w+) \| (.+) \|$", GUIDE, re.MULTILINE)


def test_every_word_that_people_read_has_its_line() -> None:
    shown = [*Reason][:14]
    assert shown[-1] is Reason.INTERNAL_ERROR
    assert [name for name, _ in ROWS if name in {*shown}] == [*shown]


def test_every_alert_has_its_line() -> None:
    rules = yaml.safe_load((ROOT / "charts/emg-operator/files/alerts.yaml").read_text())["spec"]["groups"]
    alerts = [rule["alert"] for group in rules for rule in group["rules"]]
    assert [name for name, _ in ROWS if name.startswith("EMG")] == alerts


def test_every_value_that_is_named_is_one() -> None:
    values = yaml.safe_load((ROOT / "charts/emg-operator/values.yaml").read_text())
    named = re.findall(r"`(?:--set )?((?:operator|worker|signals|monitoring)\.[A-Za-z.]+)", GUIDE)
    assert [name for name in named if name.split(".")[1] not in values[name.split(".")[0]]] == []
    assert len(named) > 8


def test_no_command_names_a_release_or_cuts_an_address() -> None:
    """A release has another name next time, and what follows a database's name are its TLS settings."""
    commands = "".join(re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
    assert "emg-operator-*.tgz" in commands
    assert re.findall(r"\d+\.\d+\.\d+\.tgz|\$\{EMG_\w+[%#].*?\}", commands) == []
