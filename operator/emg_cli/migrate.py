"""`emg migrate`."""

from emg_session import migrate as migrations
from emg_session.errors import InvalidSettings


def migrate(*, upgrade: bool = False, dry_run: bool = False, status: bool = False) -> None:
    """Bring the database to this program's schema, or show where it stands.

    Parameters
    ----------
    upgrade
        Apply what is missing, all or nothing; two programs at once take turns. A database of the earlier system is
        adopted: what it computed is kept, its time series go.
    dry_run
        With --upgrade: do it, say what was done, and take it back.
    status
        List every migration, applied or missing.
    """
    if upgrade == status or (dry_run and status):
        raise InvalidSettings("say either --upgrade, with or without --dry-run, or --status")
    migrations.main((["--upgrade"] if upgrade else ["--status"]) + (["--dry-run"] if dry_run else []))
