import pytest

from emg_api.adapters.notice import Because, Ignored, Notice
from emg_api.senders import build_senders, parse_senders
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets
from tests.support.senders import GOOGLE, RECORDED, proof, sender_settings
from tests.support.web import KEYS, inserted, post

BUCKETS = Buckets({"recordings": "s3://recordings", "others": "s3://others"})
TAKEN = Notice(bucket="recordings", key="P001/one.c3d")


def sorted_out(options: dict[str, object], arrival: Notice = TAKEN):
    settings = sender_settings({"minio": KEYS}, {"minio": options})
    return build_senders(settings, GOOGLE.fetch)["minio"].sort_out(arrival, BUCKETS)


@pytest.mark.parametrize(
    "options", [{}, {"buckets": ["recordings"]}, {"prefixes": ["X", "P0"]}, {"suffixes": [".C3D", ".x"]}]
)
def test_a_notice_within_a_senders_bounds_is_taken(options):
    assert sorted_out(options) is TAKEN


@pytest.mark.parametrize(
    ("options", "because"),
    [
        ({"buckets": ["others"]}, Because.OTHER_BUCKET),
        ({"prefixes": ["trial/"]}, Because.OTHER_PREFIX),
        ({"suffixes": ["_final.c3d"]}, Because.NO_RECORDING),
    ],
)
def test_a_notice_out_of_a_senders_bounds_is_ignored_by_reason(options, because):
    ignored = sorted_out(options)

    assert isinstance(ignored, Ignored)
    assert ignored.because is because


@pytest.mark.parametrize(
    ("keys", "options", "sentence"),
    [
        ("{}", "", "EMG_WEBHOOK_SECRETS has no key for supabase or any other sender"),
        ('{"minio": []}', "", "EMG_WEBHOOK_SECRETS has no key for supabase or any other sender"),
        ('{"minio": ["k"], "azure": []}', "", "EMG_WEBHOOK_SECRETS has no key for azure"),
        ("", '{"cloudevents": {}}', "EMG_WEBHOOK_SECRETS has no key for cloudevents"),
        ("", '{"s3": {}}', "s3 has neither a key in EMG_WEBHOOK_SECRETS nor topics in EMG_SENDERS"),
        ("", '{"s3": {"topics": ["recordings"]}}', "EMG_SENDERS: 'recordings' is no topic"),
        ("", '{"gcs": {}}', "EMG_SENDERS has no audience for gcs"),
        ("", '{"gcs": {"audience": "https://emg"}}', "EMG_SENDERS has no emails for gcs"),
        ('{"gcs": ["k"]}', '{"gcs": {"audience": "a", "emails": ["e"]}}', "has keys for gcs, which proves itself by"),
        ('{"dropbox": ["k"]}', "", "names 'dropbox': senders are supabase, s3, minio"),
        ('{"minio": [" "]}', "", "EMG_WEBHOOK_SECRETS holds an empty key"),
        ('{"minio": ["1","2","3","4","5","6","7","8","9"]}', "", "holds 9 keys of one sender: two are enough"),
        ('{"minio": "k"}', "", "EMG_WEBHOOK_SECRETS can't be read"),
        (
            '{"minio": ["k"]}',
            '{"minio": {"bucket": "x"}}',
            "EMG_SENDERS of minio can't be read .*unknown field `bucket`",
        ),
        ('{"minio": ["k"]}', '{"minio": {"topics": []}}', "EMG_SENDERS of minio can't be read"),
        ('{"minio": ["k"]}', '{"minio": {"buckets": ["secret"]}}', "gives minio the bucket 'secret'"),
        ('{"standard": ["k"]}', "", "a key of standard starts with whsec_ or whpk_"),
        ('{"standard": ["whsec_!"]}', "", "what follows whsec_ in a key of standard is not base64"),
        ('{"standard": ["whsec_AAAA"]}', "", "a key of standard has less than 24 bytes"),
        ('{"standard": ["whpk_AAAA"]}', "", "a whpk_ key of standard is no Ed25519 key"),
    ],
)
def test_what_could_never_work_is_refused_at_the_start(keys, options, sentence):
    with pytest.raises(InvalidSettings, match=sentence):
        build_senders(parse_senders(keys, options, BUCKETS), GOOGLE.fetch)


@pytest.mark.parametrize("sender", ["minio", "azure", "gcs", "standard", "cloudevents", "s3", "supabase"])
async def test_each_sender_has_its_address(web, sender):
    response = await web.post(f"/webhooks/{sender}", content=b"{}")

    assert (response.status_code, response.json()["type"]) == (401, "urn:emg-operator:problem:not-signed")


async def test_a_notice_of_another_sender_becomes_a_session_with_where_it_came_from(web, sessions):
    body = (RECORDED / "minio-put.json").read_bytes()

    response = await web.post("/webhooks/minio", content=body, headers=proof("minio", body))

    assert response.status_code == 202
    (manifest,) = sessions.manifests.values()
    assert manifest["metadata"]["annotations"]["emg.ghostly/sender"] == "minio"


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [("dropbox", "senders are supabase, s3"), ("storage", "senders are"), ("gcs", "nothing is set")],
)
async def test_an_address_without_a_sender_is_not_found(web, receiver, sender, sentence):
    receiver.senders.pop("gcs")

    response = await web.post(f"/webhooks/{sender}", content=b"{}")

    assert (response.status_code, response.json()["type"]) == (404, "urn:emg-operator:problem:unknown-sender")
    assert sentence in response.json()["detail"]


async def test_azure_is_answered_what_it_wants_to_hear(web, sessions):
    body = (RECORDED / "azure-validation.json").read_bytes()

    response = await web.post(f"/webhooks/azure?code={KEYS[0]}", content=body)

    assert (response.status_code, response.json()) == (
        200,
        {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"},
    )
    assert sessions.manifests == {}


@pytest.mark.parametrize(("sender", "origin"), [("azure", "eventgrid.azure.net"), ("cloudevents", "storage.example")])
async def test_who_may_send_events_is_told_so(web, sender, origin):
    response = await web.options(f"/webhooks/{sender}", headers={"webhook-request-origin": origin})

    assert response.status_code == 200
    assert response.headers["webhook-allowed-origin"] == origin


@pytest.mark.parametrize(
    ("sender", "origin"), [("azure", "evil.example"), ("azure", ""), ("minio", "eventgrid.azure.net")]
)
async def test_who_may_not_send_events_is_told_so(web, sender, origin):
    response = await web.options(f"/webhooks/{sender}", headers={"webhook-request-origin": origin})

    assert response.status_code == 403
    assert "webhook-allowed-origin" not in response.headers


async def test_a_key_of_one_sender_is_none_of_another(web):
    response = await post(web, inserted("P001/one.c3d"), path="/webhooks/minio")

    assert response.status_code == 401
