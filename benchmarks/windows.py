"""The signals API under load: windows and whole channels of the longest recording, from real storage and database."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

import uvloop
from bench_core import recording as longest_recording

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import open_summaries
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.postgres import fresh_database, running_server
from tests.support.receivers import WebProcess, web_process
from tests.support.s3 import serving_s3

BUCKET, KEY, SESSION = "recordings", "P001/longest.c3d", "emg-longest"
ROUNDS, REQUESTS = 5, 200
MANY, MANY_CONNECTIONS = 10_000, 8
READS = Path(__file__).with_name("reads.py")
BARE = {"accept": "application/octet-stream"}
PLAIN = {"accept-encoding": "identity"}

Row = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one round of requests showed."""

    p50_ms: float
    p99_ms: float
    first_ms: float
    per_second: float
    cpu_ms: float
    bytes: int


def rows() -> Iterator[Row]:
    """Measure and yield rows of a table: what, measured, goal."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as bench:
        bench.ask(windows(0, REQUESTS))
        yield from window_rows(bench)
        yield from whole_rows(bench)
        yield from ping_rows(bench)
        yield from memory_rows(bench)
        yield ("from start to first answer", f"{bench.signals.started_in_s:.2f} s", "≤ 1 s")


def windows(first: int, count: int, query: str = "width=2000") -> list[str]:
    """Return paths of so many different windows of ten seconds: none is a repeat, so none is kept."""
    starts = ((first + number) * 37 % 160_000 / 1000 for number in range(count))
    return [f"/signals/jit/{SESSION}/CH1?start={start:.3f}&end={start + 10:.3f}&{query}" for start in starts]


def round_of_windows(query: str, number: int) -> list[str]:
    return windows(REQUESTS * (number + 1), REQUESTS, query)


def window_rows(bench: "Bench") -> Iterator[Row]:
    for what, query, headers in (
        ("10 s at width 2000, JSON", "width=2000", PLAIN),
        ("the same, zstd", "width=2000", {"accept-encoding": "zstd"}),
        ("the same, float32", "width=2000", BARE),
        ("the same with envelope and rms", "width=2000&signals=raw,envelope,rms", PLAIN),
    ):
        best = best_of(bench, partial(round_of_windows, query), headers)
        yield (f"{what}: p50, p99", f"{best.p50_ms:.1f}, {best.p99_ms:.1f} ms", "")
        yield ("  CPU each, bytes", f"{best.cpu_ms:.2f} ms, {best.bytes} B", "≤ 64 kB" if query == "width=2000" else "")
    busy = best_of(bench, lambda n: windows(5000 + REQUESTS * n, REQUESTS), PLAIN, MANY_CONNECTIONS)
    yield (f"10 s over {MANY_CONNECTIONS} connections", f"{busy.per_second:.0f}/s, {busy.cpu_ms:.2f} ms CPU", "")
    tag = bench.tag(windows(0, 1)[0])
    known = best_of(bench, lambda _: windows(0, 1) * REQUESTS, PLAIN | {"if-none-match": tag})
    yield ("a window that the browser has (304): p50", f"{known.p50_ms:.1f} ms", "")


def whole_rows(bench: "Bench") -> Iterator[Row]:
    every = best_of(bench, lambda n: [f"/signals/jit/{SESSION}/CH1?width={2000 + n}"], PLAIN)
    yield ("all 175 s at width 2000", f"{every.p50_ms:.1f} ms, {every.bytes} B", "≤ 64 kB")
    whole = best_of(bench, lambda _: [f"/signals/jit/{SESSION}/CH1"] * 5, PLAIN)
    yield ("every sample as JSON: p50, to the first byte", f"{whole.p50_ms:.1f}, {whole.first_ms:.1f} ms", "")
    yield ("  CPU each, bytes", f"{whole.cpu_ms:.1f} ms, {whole.bytes} B", "")


def ping_rows(bench: "Bench") -> Iterator[Row]:
    """Ping idle, beside 32 windows and 3 whole channels asked for at once, and beside ever new ones; best of rounds."""
    idle = best_ping([bench.pinged() for _ in range(ROUNDS)])
    burst = best_ping([bench.pinged_beside_burst(n) for n in range(ROUNDS)])
    loaded = best_ping([bench.pinged_under_load(n) for n in range(ROUNDS)])
    yield ("ping, idle: p50, p99", f"{idle[0]:.1f}, {idle[1]:.1f} ms", "")
    told = f"{burst[0]:.1f}, {burst[1]:.1f} ms"
    yield ("ping beside 32 windows and 3 whole channels", told, f"≤ {idle[1] + 20:.0f} ms at p99")
    yield ("the same, as many always under way", f"{loaded[0]:.1f}, {loaded[1]:.1f} ms", "")


def best_ping(rounds: Sequence["Figures"]) -> tuple[float, float]:
    return min(one.p50_ms for one in rounds), min(one.p99_ms for one in rounds)


def memory_rows(bench: "Bench") -> Iterator[Row]:
    bench.ask(windows(20_000, MANY // 4), PLAIN, MANY_CONNECTIONS)
    before = bench.signals.memory_bytes()
    many = bench.ask(windows(30_000, MANY), PLAIN, MANY_CONNECTIONS)
    grown = bench.signals.memory_bytes() - before
    yield (
        f"{MANY} windows: {many.per_second:.0f}/s, p99 {many.p99_ms:.0f} ms",
        f"{grown / 1e6:+.1f} MB of {before / 1e6:.0f}",
        "flat",
    )


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A signals API with a session of the longest recording, analysed."""

    signals: WebProcess

    def ask(self, paths: Sequence[str], headers: dict[str, str] = PLAIN, connections: int = 1) -> Figures:
        """Ask for paths; anything but 200 and 304 ends the run."""
        before_s = self.signals.cpu_s()
        told = self._finished(self._started(paths, headers, connections=connections))
        cpu_ms = 1000 * (self.signals.cpu_s() - before_s) / len(paths)
        return figures(told, cpu_ms)

    def tag(self, path: str) -> str:
        """Return the entity tag of what is asked for in PLAIN."""
        command = ["curl", "-sI", "-H", "accept-encoding: identity", self.signals.url + path]
        head = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        (line,) = (line for line in head.splitlines() if line.lower().startswith("etag:"))
        return line.partition(":")[2].strip()

    def pinged(self) -> Figures:
        """Ping for four seconds."""
        return figures(self._finished(self._started(["/livez"] * 200, PLAIN, per_second=50)), 0.0)

    def pinged_beside_burst(self, turn: int) -> Figures:
        """Ping for two seconds, in the midst of which 35 answers are asked for at once."""
        pings = self._started(["/livez"] * 100, PLAIN, per_second=50)
        time.sleep(1)
        paths = [*windows(40_000 + 32 * turn, 32), *[f"/signals/jit/{SESSION}/CH1"] * 3]
        self._finished(self._started(paths, PLAIN, per_second=100_000))
        return figures(self._finished(pings), 0.0)

    def pinged_under_load(self, turn: int) -> Figures:
        """Ping while a process each keeps windows and whole channels coming."""
        some = self._started(windows(10_000 + 2000 * turn, 2000), PLAIN, connections=32)
        whole = self._started([f"/signals/jit/{SESSION}/CH1"] * 200, PLAIN, connections=3)
        try:
            return self.pinged()
        finally:
            for process in (some, whole):
                process.kill()
                process.communicate()

    def _started(
        self, paths: Sequence[str], headers: dict[str, str], *, connections: int = 1, per_second: int = 0
    ) -> "subprocess.Popen[str]":
        asked = {
            "url": self.signals.url,
            "paths": list(paths),
            "headers": headers,
            "connections": connections,
            "per_second": per_second,
        }
        process = subprocess.Popen(
            [sys.executable, str(READS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin
        json.dump(asked, process.stdin)
        process.stdin.close()
        process.stdin = None
        return process

    def _finished(self, process: "subprocess.Popen[str]") -> dict[str, Any]:
        told: dict[str, Any] = json.loads(process.communicate()[0])
        assert set(told["statuses"]) <= {"200", "304"}, told["statuses"]
        return told


def figures(told: dict[str, Any], cpu_ms: float) -> Figures:
    latencies = told["latency_ms"]
    centiles = quantiles(latencies, n=100) if len(latencies) > 1 else latencies * 99
    return Figures(
        p50_ms=centiles[49],
        p99_ms=centiles[98],
        first_ms=told["first_ms"][len(latencies) // 2],
        per_second=len(latencies) / told["seconds"],
        cpu_ms=cpu_ms,
        bytes=told["bytes"][-1],
    )


def best_of(bench: Bench, paths: Callable[[int], list[str]], headers: dict[str, str], connections: int = 1) -> Figures:
    """Return the best of some rounds, each of other paths where the round's number says so."""
    rounds = [bench.ask(paths(number), headers, connections) for number in range(ROUNDS)]
    return min(rounds, key=lambda one: one.p50_ms)


@contextmanager
def running(folder: Path) -> Iterator[Bench]:
    """Start everything, and analyse the recording."""
    with ExitStack() as stack:
        (folder / "s3").mkdir()
        s3 = stack.enter_context(serving_s3(folder / "s3"))
        s3.make_bucket(BUCKET)
        database_url = stack.enter_context(fresh_database(stack.enter_context(running_server())))
        migrate.upgrade(database_url)
        data = longest_recording(folder).read_bytes()
        version = s3.put(BUCKET, KEY, data)
        uvloop.run(save_session(database_url, data, version))
        settings = {
            "EMG_AUTH": "none",
            "EMG_DATABASE_URL": database_url,
            "EMG_BUCKETS": json.dumps({BUCKET: f"s3://{BUCKET}"}),
            **s3.env(),
        }
        yield Bench(signals=stack.enter_context(web_process("signals", folder / "signals.log", settings)))


async def save_session(database_url: str, data: bytes, version: str) -> None:
    """Store what receiver and worker would."""
    recording = RecordingRef(uri=f"s3://{BUCKET}/{KEY}", version=version, size_bytes=len(data))
    spec = SessionSpec(recording=recording, subject="P001", profile="standard-1")
    async with open_summaries(database_url) as summaries:
        await summaries.save_result(SESSION, spec, analyse(data, WorkerContract(session_name=SESSION, spec=spec)))


if __name__ == "__main__":
    for row in rows():
        print(f"{row[0]:<50}{row[1]:>28}   {row[2]}")
