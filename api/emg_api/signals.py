"""The signals API: channels just in time, read from the recording's own bytes; nothing is kept but bounded caches."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import emg_core
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emg_api.budget import ByteBudget
from emg_api.channels import find_channel, unit_of, verdicts
from emg_api.drawing import WindowDrawer
from emg_api.excerpts import Excerpt
from emg_api.layouts import KnownRecording, Layouts
from emg_api.negotiation import Coding, MediaType, accepted_coding, accepted_media_type
from emg_api.packing import pack, packed_chunks
from emg_api.recent import Answers
from emg_api.refusals import BadQuery
from emg_api.responses import (
    Streamed,
    encode,
    entity_tag,
    is_any_known,
    is_known,
    not_modified,
    packed_response,
)
from emg_api.whole import WHOLE_BYTES_PER_SAMPLE, WholeQuery, check_whole, whole_chunks
from emg_api.window_answers import WINDOW_MEDIA, encoder
from emg_api.windows import WindowQuery, WindowsQuery, window_of
from emg_session.database import StoredSession

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
    """The endpoints below /signals/jit with what they use; `wholes` bounds the memory of whole channels under way."""

    layouts: Layouts
    drawer: WindowDrawer
    answers: Answers
    wholes: ByteBudget

    async def channels(self, request: Request, session: StoredSession) -> Response:
        """GET /signals/jit/{session_id}/channels: names, roles, units and verdicts."""
        media_type, coding = accepted_media_type(request, [MediaType.JSON]), accepted_coding(request)
        tag = _tag(session, "channels", coding)
        if is_known(request, tag):
            return not_modified(tag)
        recording = await self.layouts.of(session.file_path, session.object_version)
        if is_any_known(request):
            return not_modified(tag)
        body = encode(channels_answer(recording.metadata, verdicts(session)))
        packed = await self.drawer.reader.compute(lambda: pack(body, coding))
        return packed_response(packed, tag, media_type)

    async def channel(self, request: Request, session: StoredSession, query: WholeQuery | WindowQuery) -> Response:
        """GET /signals/jit/{session_id}/{channel_name}: a window where any of its parameters is given, else all."""
        name = str(request.path_params["channel_name"])
        media_type = accepted_media_type(request, WINDOW_MEDIA)
        match query:
            case WindowQuery():
                return await self._window(request, session, query, [name], media_type)
            case WholeQuery() if media_type is MediaType.JSON:
                return await self._whole(request, session, query, name)
            case _:
                return await self._window(request, session, every_sample(query), [name], media_type)

    async def windows(self, request: Request, session: StoredSession, query: WindowsQuery) -> Response:
        """GET /signals/jit/{session_id}/windows: the same window of several channels."""
        media_type = accepted_media_type(request, WINDOW_MEDIA)
        return await self._window(request, session, query, query.channel, media_type)

    async def _window(
        self,
        request: Request,
        session: StoredSession,
        query: WindowQuery,
        names: Sequence[str],
        media_type: MediaType,
    ) -> Response:
        """Answer with a window; without names, of all channels."""
        coding = Coding.IDENTITY if media_type is MediaType.FLOAT32 else accepted_coding(request)
        tag = _tag(session, "window", encode((query, names)).decode(), type(query).__name__, media_type, coding)
        if is_known(request, tag):
            return not_modified(tag)
        recording = await self.layouts.of(session.file_path, session.object_version)
        window = window_of(query, session, recording, channel_numbers(recording, names))
        if is_any_known(request):
            return not_modified(tag)
        encoded = encoder(media_type, several=isinstance(query, WindowsQuery))
        packed = await self.answers.of(tag, partial(self.drawer.body, window, encoded, coding))
        return packed_response(packed, tag, media_type)

    async def _whole(self, request: Request, session: StoredSession, query: WholeQuery, name: str) -> Response:
        """Answer with a whole channel; its tag is weak, as its bytes tell when they were made."""
        coding = accepted_coding(request)
        tag = "W/" + _tag(session, "whole", encode((query, name)).decode(), coding)
        if is_known(request, tag):
            return not_modified(tag)
        recording = await self.layouts.of(session.file_path, session.object_version)
        (channel,) = channel_numbers(recording, [name])
        check_whole(recording)
        if is_any_known(request):
            return not_modified(tag)
        excerpt = Excerpt(session=session, recording=recording, first_sample=0, count=recording.samples_per_channel)
        return Streamed(self._chunks(excerpt, channel, query, coding), tag, coding, MediaType.JSON)

    async def _chunks(
        self, excerpt: Excerpt, channel: int, query: WholeQuery, coding: Coding
    ) -> AsyncGenerator[bytes, None]:
        """Read a channel and encode it chunk by chunk, as fast as the client takes them."""
        reader, recording = self.drawer.reader, excerpt.recording
        name = str(recording.channel(channel)["name"])
        async with self.wholes.lent(reader.cost(excerpt) + WHOLE_BYTES_PER_SAMPLE * excerpt.count):
            (samples,) = await reader.samples(excerpt, [channel])
            numbers = whole_chunks(name, samples, recording.rate_hz, query, datetime.now(UTC))
            chunks = packed_chunks(numbers, coding)
            while chunk := await reader.compute(partial(_next, chunks)):
                yield chunk


def _next(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")


def every_sample(query: WholeQuery) -> WindowQuery:
    """Return the window that has every sample of a channel; raises BadQuery for what only the JSON form has."""
    if query != WholeQuery():
        raise BadQuery(f"include_rms and downsample_factor are of {MediaType.JSON} alone: ask for signals and a width")
    return WindowQuery()


def channel_numbers(recording: KnownRecording, names: Sequence[str]) -> list[int]:
    """Return which channels are named, all where none is; raises ChannelNotFound."""
    if not names:
        return list(range(len(recording.metadata["channels"])))
    return [find_channel(recording.layout, name) for name in names]


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


def _tag(session: StoredSession, *asked: str) -> str:
    """Return the tag of what is asked for: it names the object's version, the analysis and the program's version."""
    summary = session.analytics_summary
    analysis = (summary["profile"]["digest"], summary["provenance"]["core_version"]) if summary else ()
    return entity_tag(session.file_path, session.object_version, emg_core.__version__, *analysis, "asked", *asked)
