"""Where EMGSessions are kept: the Kubernetes API in a cluster (sessions.py), a folder on one machine (emg_local)."""

from collections.abc import Mapping
from typing import Any, Protocol

from emg_session.resource import EMGSession


class SessionStore(Protocol):
    """What the receiver needs of a cluster."""

    async def create(self, manifest: Mapping[str, Any]) -> bool:
        """Create a session; False if it is there already. Raises SessionRefused, ClusterUnavailable."""

    async def load(self, name: str) -> EMGSession | None:
        """Return a session by name, None where there is none. Raises ClusterUnavailable."""
