"""`emg migrate`."""

import os

from emg_cli.output import AsJson, print_json, working
from emg_session import migrate as migrations
from emg_session.connections import database_url
from emg_session.errors import InvalidSettings


def migrate(*, upgrade: bool = False, dry_run: bool = False, status: bool = False, json: AsJson = False) -> None:
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
    json
        Print what was done, or every migration, as JSON.
    """
    if upgrade == status or (dry_run and status):
        raise InvalidSettings("say either --upgrade, with or without --dry-run, or --status")
    with working("migrating" if upgrade else "asking the database"):
        if json:
            print_json(_upgraded(dry_run=dry_run) if upgrade else _standing())
        else:
            migrations.main((["--upgrade"] if upgrade else ["--status"]) + (["--dry-run"] if dry_run else []))


def _upgraded(*, dry_run: bool) -> dict[str, object]:
    done = migrations.apply_missing(database_url(os.environ, "which database to migrate"), rehearse=dry_run)
    adopted = str(done.adoption) if done.adoption else None
    return {"dry_run": dry_run, "applied": [migration.name for migration in done.applied], "adopted": adopted}


def _standing() -> list[dict[str, object]]:
    url = database_url(os.environ, "which database to migrate")
    return [{"migration": step.migration.name, "applied": step.applied} for step in migrations.status(url)]
