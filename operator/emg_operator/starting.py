"""Whether a session's Job can be made now: everything it needs has to be there, as an outage costs no attempt. Pure."""

from emg_operator import memory
from emg_operator.manifests import AttemptPlan, job_name
from emg_operator.situation import LOOK_AGAIN_S, Answer, Decision, Situation, failed, outage, waiting
from emg_operator.surroundings import NoSummary, NotReadable, Question, Readable
from emg_session.status import ConditionType, Reason

_PLACE_AGAIN_S = 60.0
_FORBIDDEN_AGAIN_S = 60.0  # until somebody changes a policy
_LEAST_OBJECT_PAUSE_S, _MOST_OBJECT_PAUSE_S = 1.0, 300.0


def start(situation: Situation, number: int, memory_mib: int | None = None) -> Answer:
    """Make an attempt's Job, or say what it waits for; without `memory_mib` the recording's size decides."""
    if situation.session.spec.suspend:
        return waiting(Reason.SUSPENDED, "spec.suspend is true; set it to false to go on")
    if situation.database is NoSummary.UNREACHABLE:
        return outage(Reason.DATABASE_UNAVAILABLE, "the Job waits for the database, which does not answer")
    match situation.surroundings.object:
        case NotReadable.NOT_ASKED:
            return Question.OBJECT
        case Readable(size_bytes=size_bytes):
            memory_mib = memory_mib or _first_memory_mib(situation, size_bytes)
            return _with_a_place(situation, AttemptPlan(number=number, memory_mib=memory_mib))
        case NotReadable() as state:
            return _without_object(situation, state)


def queued(name: str, again_after_s: float = LOOK_AGAIN_S) -> Decision:
    """Wait for an attempt's pod: the same sentence before and after its Job is made, so that none is written twice."""
    return waiting(Reason.QUEUED, f"{name} waits for a place to run", again_after_s)


def _with_a_place(situation: Situation, plan: AttemptPlan) -> Answer:
    """Take a place, but where a queue gives places out itself."""
    if not situation.session.spec.job.queue_name:
        match situation.surroundings.has_place:
            case None:
                return Question.PLACE
            case False:
                message = "as many Jobs run as EMG_MAX_CONCURRENT_JOBS allows"
                return waiting(Reason.QUEUED, message, _PLACE_AGAIN_S)
    name = job_name(situation.session.name, plan.number)
    return Decision(progress=queued(name).progress, attempt=plan, again_after_s=LOOK_AGAIN_S)


def _first_memory_mib(situation: Situation, size_bytes: int | None) -> int:
    spec = situation.session.spec
    size_bytes = spec.recording.size_bytes if size_bytes is None else size_bytes
    learned = memory.first_mib(size_bytes, situation.surroundings.memory_permille, situation.settings)
    return spec.job.memory_mib or learned


def _without_object(situation: Situation, state: NotReadable) -> Decision:
    match state:
        case NotReadable.OTHER_VERSION:
            return failed(Reason.SUPERSEDED, "storage holds another version of the object now")
        case NotReadable.REFUSED:
            message = (
                "the recording is in no bucket of EMG_BUCKETS: add it, then change the emg.ghostly/rerun annotation"
            )
            return failed(Reason.INTERNAL_ERROR, message)
        case NotReadable.NOT_THERE:
            return _until_it_is_there(situation)
        case NotReadable.FORBIDDEN:
            message = "storage refuses to show the recording; check the AWS_… settings and what they may read"
            return waiting(Reason.STORAGE_UNAVAILABLE, message, _FORBIDDEN_AGAIN_S)
        case NotReadable.UNREACHABLE | NotReadable.NOT_ASKED:
            return outage(Reason.STORAGE_UNAVAILABLE, "the Job waits for storage, which does not answer")


def _until_it_is_there(situation: Situation) -> Decision:
    """Look again after as long as it has been waited already: often at first, seldom later."""
    available = situation.session.status.condition(ConditionType.OBJECT_AVAILABLE)
    waits = available is not None and available.reason is Reason.WAITING_FOR_OBJECT and not situation.run.begins
    since = available.last_transition_time if available and waits else situation.now
    waited_s = max(0.0, (situation.now - since).total_seconds())
    most_s = situation.settings.object_wait_seconds
    if waited_s >= most_s:
        return failed(Reason.WAITING_FOR_OBJECT, f"storage did not show the recording within {most_s} s")
    pause_s = min(max(waited_s, _LEAST_OBJECT_PAUSE_S), _MOST_OBJECT_PAUSE_S)
    return waiting(Reason.WAITING_FOR_OBJECT, f"storage has {most_s} s to show the recording", pause_s)
