"""The public keys of who makes tokens: fetched when needed, kept ten minutes, asked for again for an unknown key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from emg_api.adapters.options import Fetch
from emg_api.refusals import SenderUnavailable

_KEPT = timedelta(minutes=10)
# Tokens with made-up keys must not make us ask all the time.
_AT_MOST_EVERY = timedelta(seconds=30)


@dataclass
class KeySource:
    """One address with a JSON Web Key Set."""

    address: str
    fetch: Fetch
    _keys: KeySet | None = field(default=None, init=False, repr=False)
    _asked_at: datetime | None = field(default=None, init=False, repr=False)

    async def keys(self, now: datetime, *, lacking: bool = False) -> KeySet:
        """Return the keys, asked for anew where they are old or lack one; raises SenderUnavailable."""
        age = now - self._asked_at if self._asked_at else None
        if self._keys is None or age is None or not timedelta() <= age < (_AT_MOST_EVERY if lacking else _KEPT):
            self._keys = parse_keys(await self.fetch(self.address))
            self._asked_at = now
        return self._keys


def parse_keys(text: bytes) -> KeySet:
    """Parse a key set; raises SenderUnavailable."""
    try:
        return KeySet.import_key_set(msgspec.json.decode(text))
    except (msgspec.DecodeError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SenderUnavailable("the keys of who makes the tokens can't be read") from error
