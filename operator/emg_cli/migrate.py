"""`emg migrate`."""

from emg_session import migrate as migrations
from emg_session.errors import InvalidSettings


def migrate(*, upgrade: bool = False, status: bool = False) -> None:
    """Bring the database to this program's schema, or show where it stands.

    Parameters
    ----------
    upgrade
        Apply what is missing; two programs at once take turns.
    status
        List every migration, applied or missing.
    """
    if upgrade == status:
        raise InvalidSettings("say either --upgrade or --status")
    migrations.main(["--upgrade" if upgrade else "--status"])
