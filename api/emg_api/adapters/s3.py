"""S3 and what speaks like it (MinIO, versitygw, Ceph): records posted directly, by EventBridge, or through SNS.

Direct ones prove themselves with a key in the Authorization header, those of SNS with its signature.
"""

from dataclasses import dataclass, field
from datetime import datetime

from emg_api.adapters.notice import Reading
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.records import is_bridged, parse_bridged, parse_records
from emg_api.adapters.request import RawRequest
from emg_api.adapters.signatures import verify_shared
from emg_api.adapters.sns import Topics
from emg_session.errors import InvalidSettings

SNS_HEADER = "x-amz-sns-message-type"


class S3Options(SenderOptions, frozen=True, kw_only=True):
    """Besides what all senders have: the SNS topics that are believed, by ARN."""

    topics: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class S3:
    """Reads S3's notices, whichever way they came; `counts` names who makes the sequencers."""

    keys: tuple[str, ...] = field(repr=False)
    topics: Topics
    counts: str

    async def read(self, request: RawRequest, now: datetime) -> Reading:
        """Verify and parse one request."""
        if request.header(SNS_HEADER) is not None:
            message = await self.topics.receive(request.body, now)
            return message if not isinstance(message, str) else parse_records(message, counts=self.counts)
        verify_shared(request.bearer(), self.keys)
        if is_bridged(request.body):
            return parse_bridged(request.body, counts=self.counts)
        return parse_records(request.body, counts=self.counts)


def build_s3(keys: tuple[str, ...], options: S3Options, fetch: Fetch) -> S3:
    """Build the adapter; raises InvalidSettings where nothing could prove itself."""
    if not keys and not options.topics:
        raise InvalidSettings(
            "s3 has neither a key in EMG_WEBHOOK_SECRETS nor topics in EMG_SENDERS: "
            'give {"s3": {"topics": ["arn:aws:sns:…"]}}'
        )
    return S3(keys=keys, topics=Topics.of(options.topics, fetch), counts="s3")


def build_minio(keys: tuple[str, ...], options: SenderOptions, fetch: Fetch) -> S3:  # noqa: ARG001 - it has no more
    """Build the adapter of MinIO, whose records are S3's and whose `auth_token` is the key."""
    return S3(keys=keys, topics=Topics.of((), fetch), counts="minio")
