"""The senders: one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emg_api.adapters import azure, cloudevents, gcs, s3, standard, supabase
from emg_api.adapters.notice import Adapter
from emg_api.adapters.options import SenderOptions

LEGACY_SENDER = "supabase"


@dataclass(frozen=True)
class SenderKind:
    """How a sender's adapter is made, what can be set for it, and how it proves where a notice comes from."""

    build: Callable[..., Adapter]
    options: type[SenderOptions]
    proof: str
    needs_key: bool = True


SENDERS: Mapping[str, SenderKind] = {
    "supabase": SenderKind(supabase.build, SenderOptions, "HMAC-SHA256 of the body, or a bearer key"),
    "s3": SenderKind(s3.build_s3, s3.S3Options, "a bearer key, or SNS's signature", needs_key=False),
    "minio": SenderKind(s3.build_minio, SenderOptions, "a bearer key"),
    "gcs": SenderKind(gcs.build, gcs.GcsOptions, "an identity token of Google's", needs_key=False),
    "azure": SenderKind(azure.build, azure.AzureOptions, "a bearer key, also as the parameter `code`"),
    "cloudevents": SenderKind(cloudevents.build, cloudevents.CloudEventsOptions, "a bearer key"),
    "standard": SenderKind(standard.build, SenderOptions, "HMAC-SHA256 or Ed25519 of id, time and body"),
}
