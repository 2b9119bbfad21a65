import pytest

from emg_api.access.callers import OpenAccess
from emg_api.access.oidc import OidcAccess, Provider
from emg_api.access.settings import AccessSettings, AuthMode, opened_access
from emg_api.metrics import Metrics
from emg_session.errors import InvalidSettings

OIDC = {"EMG_AUTH": "oidc", "EMG_AUTH_ISSUER": "https://identity.example.org", "EMG_AUTH_AUDIENCE": "emg"}


def test_kubernetes_needs_nothing_else():
    assert AccessSettings.from_env({"EMG_AUTH": "kubernetes", "EMG_NAMESPACE": "emg"}) == AccessSettings(
        mode=AuthMode.KUBERNETES, audience="emg-signals", namespace="emg"
    )


@pytest.mark.parametrize(("value", "namespace"), [("1", ""), ("0", "emg"), ("", "emg")])
def test_beside_a_cluster_wide_operator_only_rights_in_all_namespaces_count(value, namespace):
    env = {"EMG_AUTH": "kubernetes", "EMG_NAMESPACE": "emg", "EMG_CLUSTER_WIDE": value}

    assert AccessSettings.from_env(env).namespace == namespace


def test_a_provider_is_told_by_its_issuer_and_our_name_there():
    settings = AccessSettings.from_env(OIDC | {"EMG_AUTH_SUBJECTS_CLAIM": "patients"})

    assert settings.provider == Provider(
        issuer="https://identity.example.org", audience="emg", subjects_claim="patients"
    )


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({}, "EMG_AUTH is not set: it says who may read signals"),
        ({"EMG_AUTH": "None"}, "EMG_AUTH is 'None': it may be none, kubernetes or oidc"),
        ({"EMG_AUTH": "oidc"}, "EMG_AUTH_ISSUER is not set"),
        (OIDC | {"EMG_AUTH_AUDIENCE": ""}, "EMG_AUTH_AUDIENCE is not set"),
        (OIDC | {"EMG_AUTH_ISSUER": "http://identity.example.org"}, "EMG_AUTH_ISSUER has to be https://"),
        (OIDC | {"EMG_AUTH_ISSUER": "identity"}, "EMG_AUTH_ISSUER has to be https://"),
        (OIDC | {"EMG_AUTH_ISSUER": "https://["}, "EMG_AUTH_ISSUER has to be https://"),
        (OIDC | {"EMG_AUTH_KEYS_URL": "file:///etc/keys"}, "EMG_AUTH_KEYS_URL has to be https://"),
        ({"EMG_AUTH": "none", "EMG_AUTH_AUDIENCE": "emg"}, "EMG_AUTH_AUDIENCE does nothing while EMG_AUTH is none"),
        (OIDC | {"EMG_AUTH": "none"}, "EMG_AUTH_ISSUER does nothing while EMG_AUTH is none"),
        ({"EMG_AUTH": "kubernetes", "EMG_CLUSTER_WIDE": "true"}, "EMG_CLUSTER_WIDE is 'true', not a whole number"),
        (OIDC | {"EMG_AUTH": "kubernetes"}, "EMG_AUTH_ISSUER does nothing while EMG_AUTH is kubernetes"),
    ],
)
def test_what_can_not_work_or_would_be_counted_on_in_vain_is_refused(env, sentence):
    with pytest.raises(InvalidSettings, match=sentence):
        AccessSettings.from_env(env)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_provider_on_this_machine_needs_no_tls(host):
    assert AccessSettings.from_env(OIDC | {"EMG_AUTH_ISSUER": f"http://{host}:8000"}).provider


@pytest.mark.parametrize(("env", "kind"), [({"EMG_AUTH": "none"}, OpenAccess), (OIDC, OidcAccess)])
async def test_each_mode_has_its_way(env, kind):
    async with opened_access(AccessSettings.from_env(env), Metrics()) as access:
        assert isinstance(access, kind)
