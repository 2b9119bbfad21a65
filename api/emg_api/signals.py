"""The signals API: a channel just in time, read from the recording's own bytes; nothing but layouts is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import emg_core
import msgspec
import numpy as np
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from emg_api.channels import contractions_of, display_scale, faults_of, find_channel, unit_of, verdicts
from emg_api.excerpts import Excerpt, ExcerptReader
from emg_api.layouts import Layouts
from emg_api.plots import (
    WHOLE_BYTES_PER_SAMPLE,
    Band,
    Samples,
    WholeQuery,
    WindowAnswer,
    WindowQuery,
    check_whole,
    encoded,
    fault_spans,
    gaps,
    pixel_times,
    sample_range,
    spans,
    whole_answer,
)
from emg_api.responses import caching, encode, entity_tag, is_any_known, is_known, not_modified
from emg_session.database import StoredSession
from emg_session.errors import CorruptRecording

_CHANNELS_NOTE = "No samples are stored: each channel is read from the recording when it is asked for."


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
class Signals:
    """The endpoints below /signals/jit with what they use."""

    layouts: Layouts
    reader: ExcerptReader

    async def channels(self, request: Request, session: StoredSession) -> Response:
        """GET /signals/jit/{session_id}/channels: names, roles, units and verdicts."""
        tag = _tag(session, "", None)
        if is_known(request, tag):
            return not_modified(tag)
        layout = await self.layouts.of(session.file_path, session.object_version)
        if is_any_known(request):
            return not_modified(tag)
        return _json(encode(channels_answer(layout.metadata, verdicts(session))), tag)

    async def channel(self, request: Request, session: StoredSession, query: WholeQuery | WindowQuery) -> Response:
        """GET /signals/jit/{session_id}/{channel_name}: a window where width, start or end are given, else all."""
        name = str(request.path_params["channel_name"])
        tag = _tag(session, name, query)
        if is_known(request, tag):
            return not_modified(tag)
        excerpt = await self._excerpt(session, name, query)
        if is_any_known(request):
            return not_modified(tag)
        return _json(await self._computed(excerpt, query), tag)

    async def _excerpt(self, session: StoredSession, name: str, query: WholeQuery | WindowQuery) -> Excerpt:
        """Find out which samples are asked for; raises ChannelNotFound, BadQuery, CorruptRecording."""
        layout = await self.layouts.of(session.file_path, session.object_version)
        channel = find_channel(layout, name)
        rate_hz, count = layout.metadata["sample_rate_hz"], layout.metadata["samples_per_channel"]
        if not (rate_hz and count):
            raise CorruptRecording("the recording has no sampling rate or no sample")
        first, end = sample_range(query, rate_hz, count) if isinstance(query, WindowQuery) else (0, count)
        return Excerpt(
            session=session, layout=layout, channel=channel, rate_hz=rate_hz, first_sample=first, count=end - first
        )

    async def _computed(self, excerpt: Excerpt, query: WholeQuery | WindowQuery) -> bytes:
        match query:
            case WindowQuery():
                return await self._window(excerpt, query)
            case WholeQuery():
                return await self._whole(excerpt, query)

    async def _window(self, excerpt: Excerpt, query: WindowQuery) -> bytes:
        silent = gaps(faults_of(excerpt.session, excerpt.name), excerpt.first_sample, excerpt.count)
        band = Band(excerpt.count, query.width, silent)
        async with self.reader.budget.lent(self.reader.cost(excerpt)):
            async for first, samples in self.reader.pieces(excerpt):
                band.add(first, samples)
        return window_body(excerpt, query, band)

    async def _whole(self, excerpt: Excerpt, query: WholeQuery) -> bytes:
        check_whole(excerpt.count)
        async with self.reader.budget.lent(self.reader.cost(excerpt) + WHOLE_BYTES_PER_SAMPLE * excerpt.count):
            samples = np.empty(excerpt.count)
            async for first, part in self.reader.pieces(excerpt):
                samples[first : first + len(part)] = part
            work = partial(whole_body, excerpt, samples, query, datetime.now(UTC))
            return await to_thread.run_sync(work, limiter=self.reader.limiter)


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


def whole_body(excerpt: Excerpt, samples: Samples, query: WholeQuery, now: datetime) -> bytes:
    """Compute and encode the whole channel."""
    return encode(whole_answer(excerpt.name, samples, excerpt.rate_hz, query, now))


def window_body(excerpt: Excerpt, query: WindowQuery, band: Band) -> bytes:
    """Encode a window."""
    scale, unit = display_scale(excerpt.unit)
    minimum, maximum = band.scaled(scale)
    start_s = excerpt.first_sample / excerpt.rate_hz
    end_s = (excerpt.first_sample + excerpt.count) / excerpt.rate_hz
    answer = WindowAnswer(
        channel_name=excerpt.name,
        unit=unit,
        sampling_rate=excerpt.rate_hz,
        duration_seconds=excerpt.duration_s,
        start_seconds=start_s,
        end_seconds=end_s,
        samples_per_pixel=excerpt.count / len(minimum),
        time_axis=encoded(pixel_times(excerpt.first_sample, excerpt.count, query.width, excerpt.rate_hz)),
        minimum=encoded(minimum),
        maximum=encoded(maximum),
        contractions=spans(contractions_of(excerpt.session, excerpt.name), start_s, end_s),
        faults=fault_spans(faults_of(excerpt.session, excerpt.name), start_s, end_s),
    )
    return encode(answer)


def _tag(session: StoredSession, channel: str, query: msgspec.Struct | None) -> str:
    """Return the tag of an answer: weak for a whole channel, whose bytes tell when they were made."""
    summary = session.analytics_summary
    analysis = (summary["profile"]["digest"], summary["provenance"]["core_version"]) if summary else ()
    object_version = f"{session.file_path}\n{session.object_version}"
    tag = entity_tag(object_version, channel, encode(query).decode(), emg_core.__version__, *analysis)
    return f"W/{tag}" if isinstance(query, WholeQuery) else tag


def _json(body: bytes, tag: str) -> Response:
    return Response(body, headers=caching(tag), media_type="application/json")
