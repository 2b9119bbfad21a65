from emg_operator.bodies import Bodies, Kind
from emg_operator.job_view import view_job
from tests.support.sessions import failed, job_body, pod_body, session_body


def test_a_job_and_its_pod_are_seen_as_before_they_were_kept() -> None:
    job = job_body(**failed("PodFailurePolicy"))
    pod = pod_body(job, "Failed", exitCode=11, reason="Error")
    jobs, pods = Bodies(Kind.JOB), Bodies(Kind.POD)
    jobs.keep("a1", job | {"metadata": job["metadata"] | {"managedFields": [{"manager": "x"}]}})
    pods.keep("p", pod | {"spec": {"containers": []}})
    assert [view_job(one, pods.all()) for one in jobs.all()] == [view_job(job, [pod])]


def test_what_is_kept_is_not_changed_by_whoever_gave_or_got_it() -> None:
    bodies, body = Bodies(Kind.SESSION), session_body()
    bodies.keep("a", body)
    body["spec"]["profile"] = "other"
    got = bodies.get("a")
    assert got == session_body()
    got["spec"].clear()
    assert bodies.get("a") == session_body()


def test_a_body_that_was_dropped_is_gone() -> None:
    bodies = Bodies(Kind.SESSION)
    bodies.keep("a", session_body())
    bodies.drop("a")
    bodies.drop("a")
    assert (bodies.get("a"), len(bodies), [*bodies.all()]) == (None, 0, [])


def test_a_job_is_kept_in_less_than_a_kilobyte() -> None:
    bodies = Bodies(Kind.JOB)
    bodies.keep("a1", job_body())
    kept = bodies.get("a1")
    assert kept is not None
    assert "template" not in kept["spec"]
    assert len(str(kept)) < 1000
