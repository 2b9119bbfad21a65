"""What storage knows of an uploaded object, and tells of it."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class UploadedObject:
    """An object after its upload; its ETag is its MD5, as S3 has it for one uploaded at once."""

    bucket: str
    key: str
    size_bytes: int
    md5: str
    modified_at: datetime

    @classmethod
    def of_file(cls, path: Path, *, bucket: str, key: str, modified_at: datetime) -> "UploadedObject":
        """Describe a file as if it had been uploaded."""
        data = path.read_bytes()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return cls(bucket=bucket, key=key, size_bytes=len(data), md5=md5, modified_at=modified_at)

    @property
    def time(self) -> str:
        """When it was uploaded, as in RFC 3339."""
        return self.modified_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def nanoseconds(self) -> int:
        """The same since 1970: grows from version to version, as sequencers and generations do."""
        return int(self.modified_at.timestamp() * 1_000_000) * 1000

    def identifier(self, purpose: str = "") -> str:
        """Return an id that is this version's for this purpose."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.bucket}/{self.key}#{self.md5}#{purpose}"))
