import pytest

from emg_api.adapters.options import SenderOptions
from emg_api.senders import SenderSettings
from emg_api.settings import ReceiverSettings, SignalsSettings, WebSettings
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets

ENV = {
    "EMG_DATABASE_URL": "postgresql://emg@db/emg",
    "EMG_BUCKETS": '{"recordings": "s3://recordings"}',
    "EMG_WEBHOOK_SECRETS": '{"supabase": ["new", "old"]}',
}


def test_the_receivers_settings_come_from_the_environment():
    assert ReceiverSettings.from_env(ENV | {"EMG_NAMESPACE": "emg", "EMG_PORT": "80"}) == ReceiverSettings(
        web=WebSettings(
            database_url="postgresql://emg@db/emg",
            buckets=Buckets({"recordings": "s3://recordings"}),
            host="0.0.0.0",
            port=80,
        ),
        senders=(SenderSettings(name="supabase", keys=("new", "old"), options=SenderOptions()),),
        namespace="emg",
    )


@pytest.mark.parametrize(("told", "namespace"), [({}, None), ({"EMG_SESSION_STANDINGS": "1"}, "emg")])
def test_sessions_are_asked_where_they_stand_only_where_that_is_set(told, namespace):
    settings = SignalsSettings.from_env(ENV | {"EMG_AUTH": "none", "EMG_NAMESPACE": "emg"} | told)

    assert settings.standings == namespace


@pytest.mark.parametrize(
    ("secrets", "sentence"),
    [
        ("", "EMG_WEBHOOK_SECRETS is not set: it says the keys that senders sign with"),
        ("{}", "EMG_WEBHOOK_SECRETS has no key for supabase"),
        ('{"supabase": []}', "EMG_WEBHOOK_SECRETS has no key for supabase"),
        ('{"supabase": [""]}', "EMG_WEBHOOK_SECRETS holds an empty key"),
        ("secret", "EMG_WEBHOOK_SECRETS can't be read"),
    ],
)
def test_without_a_key_the_receiver_does_not_start(secrets, sentence):
    with pytest.raises(InvalidSettings, match=sentence):
        ReceiverSettings.from_env(ENV | {"EMG_WEBHOOK_SECRETS": secrets})


def test_settings_do_not_show_their_secrets():
    shown = repr(ReceiverSettings.from_env(ENV))

    assert "new" not in shown
    assert "postgresql" not in shown


def test_a_port_that_does_not_exist_is_refused():
    with pytest.raises(InvalidSettings, match="EMG_PORT is 65536: it must lie between 0 and 65535"):
        WebSettings.from_env(ENV | {"EMG_PORT": "65536"})
