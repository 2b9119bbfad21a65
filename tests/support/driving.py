"""The operator's reconciler without an event loop: it works, waits, dies and starts anew only when a test says so."""

from collections.abc import Coroutine
from typing import Any

from emg_operator.bodies import Body, Kind
from emg_operator.metrics import Metrics
from emg_operator.queue import Work
from emg_operator.reconcile import Reconciler
from emg_operator.settings import OperatorSettings
from emg_session.errors import Failure
from tests.support.simulated import Clock, Crash, Database, SimulatedCluster, Storage, copied


class ManualQueue:
    """Names that are due, worked on when the test says so."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.due: dict[str, None] = {}

    def add(self, name: str) -> None:
        self.due[name] = None

    async def run(self) -> None:
        """Nobody works here by himself."""

    def length(self) -> int:
        return len(self.due)

    def oldest_seconds(self) -> float:
        return 0.0


class DrivenOperator:
    """An operator beside a simulated cluster: started, killed and started again; `passed_s` is its monotonic clock."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        database: Database,
        storage: Storage | None,
        settings: OperatorSettings,
        clock: Clock,
    ) -> None:
        self._cluster, self._database, self._storage = cluster, database, storage
        self._settings, self._clock = settings, clock
        self.passed_s = 0.0
        self.start(Kind.SESSION)

    def start(self, *order: Kind) -> None:
        """Start anew: everything is shown again, in any order of kinds, and what was known is gone."""
        self.timers: dict[str, float] = {}
        self._reconciler = Reconciler(
            cluster=self._cluster,
            summaries=self._database,
            recordings=self._storage,
            settings=self._settings,
            metrics=Metrics(),
            now=self._clock.now,
            queue_for=self._make_queue,
        )
        finished(self._reconciler.prime())
        self._cluster.events.clear()
        kinds = [*order, *(kind for kind in Kind if kind not in order)]
        self._cluster.events += [(kind, None, body) for kind in kinds for body in self._cluster.of(kind)]

    def _make_queue(self, work: Work) -> ManualQueue:
        self.queue = ManualQueue(work)
        return self.queue

    def observe(self, kind: Kind, event: str | None, body: Body) -> None:
        """Show it something."""
        self._reconciler.observe(kind, event, copied(body))

    def work_on(self, key: str) -> None:
        """Take a step with a session; where the operator dies over it, start anew."""
        self.queue.due.pop(key)
        try:
            again_after_s = finished(self._reconciler.step(key))
        except Failure:
            again_after_s = 0.5
        except Crash:
            self.start(Kind.SESSION)
            return
        if again_after_s is not None:
            at = self.passed_s + again_after_s
            self.timers[key] = min(self.timers.get(key, at), at)

    def work_off(self) -> None:
        """Work until nothing is due."""
        for _ in range(200):
            if not self.queue.due:
                return
            self.work_on(next(iter(self.queue.due)))
        raise AssertionError("the operator never comes to rest")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and the timers go off that are due by then."""
        self._clock.advance(seconds)
        self.passed_s += seconds
        for key, at in list(self.timers.items()):
            if at <= self.passed_s:
                del self.timers[key]
                self.queue.add(key)


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing but simulated servers, and return its result."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a simulated server waited")
