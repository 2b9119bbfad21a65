import pytest

from emg_operator.settings import OperatorSettings
from emg_operator.wanted import Wanted
from emg_session.errors import InvalidSettings

ENV = {"EMG_NAMESPACE": "emg", "EMG_WORKER_IMAGE": "localhost/emg:test"}


def test_without_more_it_watches_its_own_namespace_and_sweeps_nothing() -> None:
    settings = OperatorSettings.from_env(ENV)
    assert (settings.watched_namespace, settings.buckets.uris, settings.wanted) == ("emg", {}, Wanted())


def test_it_watches_all_namespaces_by_choice() -> None:
    settings = OperatorSettings.from_env(ENV | {"EMG_CLUSTER_WIDE": "1"})
    assert (settings.watched_namespace, settings.namespace) == (None, "emg")


def test_it_holds_the_lease_under_its_pods_name() -> None:
    assert OperatorSettings.from_env(ENV | {"HOSTNAME": "emg-operator-7d4f"}).holder == "emg-operator-7d4f"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMG_CLUSTER_WIDE", "true"),
        ("EMG_SWEEP_SECONDS", "-1"),
        ("EMG_SENDERS", '{"s3": {"prefixes": "P"}}'),
        ("EMG_BUCKETS", "recordings"),
    ],
)
def test_a_setting_that_is_not_understood_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=name):
        OperatorSettings.from_env(ENV | {name: value})
