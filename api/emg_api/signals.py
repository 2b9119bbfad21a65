"""The signals API: a channel just in time, read from the recording's own bytes; nothing but layouts is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import emg_core
import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from emg_api.channels import contractions_of, display_scale, faults_of, find_channel, unit_of, verdicts
from emg_api.layouts import Layouts
from emg_api.plots import (
    Samples,
    WholeQuery,
    WindowAnswer,
    WindowQuery,
    band,
    fault_spans,
    gaps,
    pixel_times,
    sample_range,
    spans,
    whole_answer,
)
from emg_api.requests import parse_query
from emg_api.responses import caching, encode, entity_tag, is_known, not_modified
from emg_api.sessions import fetch_session
from emg_session.database import StoredSession, SummaryStore
from emg_session.errors import CorruptRecording
from emg_session.recordings import RecordingStore

_WINDOW_PARAMETERS = {"width", "start", "end"}
_CHANNELS_NOTE = "No samples are stored: each channel is read from the recording when it is asked for."


class NoQuery(msgspec.Struct, frozen=True):
    """An endpoint without parameters."""


class ChannelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One channel; `quality` is the analysis's verdict, null before it."""

    name: str
    muscle: str | None
    role: str
    unit: str | None
    quality: str | None


class ChannelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All channels of a recording."""

    success: bool = True
    channel_names: list[str]
    channel_count: int
    sampling_rate: float | None
    duration_seconds: float | None
    jit_enabled: bool = True
    channels: list[ChannelFacts]
    note: str = _CHANNELS_NOTE


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The frames of a recording that hold some samples of one channel; `lead` samples come before those wanted."""

    session: StoredSession
    layout: emg_core.Layout
    channel: int
    rate_hz: float
    first_sample: int
    lead: int
    count: int
    frames: bytes

    @property
    def name(self) -> str:
        """The channel's name in the recording."""
        return str(self.layout.metadata["channels"][self.channel]["name"])

    @property
    def unit(self) -> str | None:
        """The unit of `samples`."""
        return unit_of(self.layout.metadata["channels"][self.channel])

    def samples(self) -> Samples:
        """Decode: float64 in the channel's unit, shape (count,)."""
        return self.layout.samples(self.frames, self.channel)[self.lead : self.lead + self.count]


@dataclass(frozen=True, kw_only=True)
class Signals:
    """The endpoints below /signals/jit with what they use; `limiter` bounds the threads that compute."""

    recordings: RecordingStore
    summaries: SummaryStore
    layouts: Layouts
    limiter: CapacityLimiter

    async def channels(self, request: Request) -> Response:
        """GET /signals/jit/{session_id}/channels."""
        query = parse_query(request, NoQuery)
        session = await fetch_session(self.summaries, request)
        tag = _tag(session, "", query)
        if is_known(request, tag):
            return not_modified(tag)
        layout = await self.layouts.of(session.file_path, session.object_version)
        return _json(encode(channels_answer(layout.metadata, verdicts(session))), tag)

    async def channel(self, request: Request) -> Response:
        """GET /signals/jit/{session_id}/{channel_name}: a window where width, start or end are given, else all."""
        windowed = not _WINDOW_PARAMETERS.isdisjoint(request.query_params)
        query = parse_query(request, WindowQuery) if windowed else parse_query(request, WholeQuery)
        session = await fetch_session(self.summaries, request)
        name = str(request.path_params["channel_name"])
        tag = _tag(session, name, query)
        if is_known(request, tag):
            return not_modified(tag)
        return _json(await self._computed(session, name, query), tag)

    async def _computed(self, session: StoredSession, name: str, query: WholeQuery | WindowQuery) -> bytes:
        excerpt = await self._excerpt(session, name, query)
        work: Callable[[], bytes]
        match query:
            case WindowQuery():
                work = partial(window_body, excerpt, query)
            case WholeQuery():
                work = partial(whole_body, excerpt, query, datetime.now(UTC))
        return await to_thread.run_sync(work, limiter=self.limiter)

    async def _excerpt(self, session: StoredSession, name: str, query: WholeQuery | WindowQuery) -> Excerpt:
        """Read the frames that cover what was asked for: one range."""
        layout = await self.layouts.of(session.file_path, session.object_version)
        channel = find_channel(layout, name)
        rate_hz, count = layout.metadata["sample_rate_hz"], layout.metadata["samples_per_channel"]
        if not (rate_hz and count):
            raise CorruptRecording("the recording has no sampling rate or no sample")
        first, end = sample_range(query, rate_hz, count) if isinstance(query, WindowQuery) else (0, count)
        frames_first, _, start_byte, end_byte = layout.frame_window(first / rate_hz, end / rate_hz)
        stored = await self.recordings.read_range(session.file_path, start_byte, end_byte, session.object_version)
        return Excerpt(
            session=session,
            layout=layout,
            channel=channel,
            rate_hz=rate_hz,
            first_sample=first,
            lead=first - frames_first,
            count=end - first,
            frames=stored.data,
        )


def channels_answer(recording: Mapping[str, Any], quality: Mapping[str, str]) -> ChannelsAnswer:
    """Build the list of channels from a recording's metadata and the verdicts of its analysis."""
    channels = [
        ChannelFacts(
            name=c["name"], muscle=c["muscle"], role=c["role"], unit=unit_of(c), quality=quality.get(c["name"])
        )
        for c in recording["channels"]
    ]
    return ChannelsAnswer(
        channel_names=[channel.name for channel in channels],
        channel_count=len(channels),
        sampling_rate=recording["sample_rate_hz"],
        duration_seconds=recording["duration_s"],
        channels=channels,
    )


def whole_body(excerpt: Excerpt, query: WholeQuery, now: datetime) -> bytes:
    """Compute and encode the whole channel."""
    return encode(whole_answer(excerpt.name, excerpt.samples(), excerpt.rate_hz, query, now))


def window_body(excerpt: Excerpt, query: WindowQuery) -> bytes:
    """Compute and encode a window."""
    scale, unit = display_scale(excerpt.unit)
    faults = faults_of(excerpt.session, excerpt.name)
    silent = gaps(faults, excerpt.first_sample, excerpt.count)
    minimum, maximum = band(excerpt.samples(), query.width, scale, silent)
    start_s = excerpt.first_sample / excerpt.rate_hz
    end_s = (excerpt.first_sample + excerpt.count) / excerpt.rate_hz
    answer = WindowAnswer(
        channel_name=excerpt.name,
        unit=unit,
        sampling_rate=excerpt.rate_hz,
        duration_seconds=excerpt.layout.metadata["duration_s"],
        start_seconds=start_s,
        end_seconds=end_s,
        samples_per_pixel=excerpt.count / len(minimum),
        time_axis=pixel_times(excerpt.first_sample, excerpt.count, query.width, excerpt.rate_hz),
        minimum=minimum,
        maximum=maximum,
        contractions=spans(contractions_of(excerpt.session, excerpt.name), start_s, end_s),
        faults=fault_spans(faults, start_s, end_s),
    )
    return encode(answer)


def _tag(session: StoredSession, channel: str, query: msgspec.Struct) -> str:
    summary = session.analytics_summary
    analysis = (summary["profile"]["digest"], summary["provenance"]["core_version"]) if summary else ()
    object_version = f"{session.file_path}\n{session.object_version}"
    return entity_tag(object_version, channel, encode(query).decode(), emg_core.__version__, *analysis)


def _json(body: bytes, tag: str) -> Response:
    return Response(body, headers=caching(tag), media_type="application/json")
