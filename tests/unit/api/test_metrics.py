import pytest
from prometheus_client.parser import text_string_to_metric_families

from emg_api.measured import MeasuredRecordings
from emg_api.metrics import Cache, Metrics, Outcome
from emg_api.refusals import NotSigned
from emg_session.errors import ClusterUnavailable
from tests.support.web import inserted, post

ONE = "P001/one.c3d"


def samples(exposition: str, name: str) -> dict[tuple[str, ...], float]:
    """Return label values, in the order of their names, → value."""
    every = (sample for family in text_string_to_metric_families(exposition) for sample in family.samples)
    return {tuple(v for _, v in sorted(s.labels.items())): s.value for s in every if s.name == name}


async def fetched(web, name: str) -> dict[tuple[str, ...], float]:
    return samples((await web.get("/metrics")).text, name)


async def test_notices_are_counted_by_sender_and_what_came_of_them(web, sessions):
    await post(web, inserted(ONE))
    await post(web, inserted(ONE))
    await post(web, inserted("notes.txt"))
    await post(web, inserted(ONE), key="no key")
    sessions.away = True
    await post(web, inserted(ONE))

    assert await fetched(web, "emg_webhook_notices_total") == {
        ("created", "none", "supabase"): 1,
        ("repeated", "none", "supabase"): 1,
        ("ignored", "no-recording", "supabase"): 1,
        ("refused", "not-signed", "supabase"): 1,
        ("failed", "cluster-unavailable", "supabase"): 1,
    }


async def test_answers_are_timed_by_operation_and_unknown_paths_share_one(web):
    await web.get("/livez")
    await web.get("/sessions/nobody")
    await web.get("/no/such/path")

    assert await fetched(web, "emg_http_answer_seconds_count") == {
        ("health_alive", "2xx"): 1,
        ("sessions_one", "4xx"): 1,
        ("none", "4xx"): 1,
    }


async def test_what_is_kept_is_counted_as_found(web):
    code = (await post(web, inserted(ONE))).json()["session_code"]
    for _ in range(3):
        await web.get(f"/signals/jit/{code}/channels")

    assert await fetched(web, "emg_cache_look_ups_total") == {("layouts", "false"): 1, ("layouts", "true"): 2}


def test_a_label_takes_no_value_from_outside():
    metrics = Metrics()
    metrics.notice("'; DROP TABLE", Outcome.IGNORED)
    with pytest.raises(NotSigned), metrics.refusals("x" * 1000):
        raise NotSigned("P. Smith")

    counted = samples(metrics.exposition().decode(), "emg_webhook_notices_total")
    assert counted == {("ignored", "none", "other"): 1, ("refused", "not-signed", "other"): 1}


def test_each_program_counts_for_itself():
    one, other = Metrics(), Metrics()
    one.looked_up(Cache.LAYOUTS, hit=True)

    assert samples(other.exposition().decode(), "emg_cache_look_ups_total") == {}


async def test_how_long_an_object_was_waited_for_is_told(web):
    await post(web, inserted(ONE))
    await post(web, inserted("P002/late.c3d", eTag="9b2c"))

    assert await fetched(web, "emg_object_wait_seconds_count") == {("true",): 1, ("false",): 1}


def test_a_failure_that_may_pass_is_no_refusal():
    metrics = Metrics()
    with pytest.raises(ClusterUnavailable), metrics.refusals("gcs"):
        raise ClusterUnavailable("the Kubernetes API does not answer")

    counted = samples(metrics.exposition().decode(), "emg_webhook_notices_total")
    assert counted == {("failed", "cluster-unavailable", "gcs"): 1}


async def test_bytes_are_counted_as_they_are_read(buckets):
    metrics = Metrics()
    recordings = MeasuredRecordings(buckets, metrics)
    await recordings.read_range(buckets.uri("recordings", ONE), 0, 4096)
    await recordings.read_range(buckets.uri("recordings", ONE), 4096, 4100)

    assert samples(metrics.exposition().decode(), "emg_storage_read_bytes_total") == {(): 4100}
