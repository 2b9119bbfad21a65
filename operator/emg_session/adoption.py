"""Taking over the earlier system's database: its results are set aside for migration 027, which keeps what they say."""

from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg.rows import class_row

# Its own migration 022 drops the first and leaves the others, which ours never makes.
_IS_THE_EARLIER_SYSTEMS = """
SELECT EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = to_regclass('analysis_results') AND NOT attisdropped
                 AND attname IN ('emg_signals', 'c3d_metadata_id', 'analytics_data', 'processing_params'))
"""
# now() is the beginning of the transaction: only what this one took over.
_ADOPTED = """
SELECT adoptions.results, reduction.disk_bytes_before, reduction.disk_bytes_after
FROM adoptions CROSS JOIN calculate_storage_reduction() AS reduction
WHERE adopted_at = now()
"""


@dataclass(frozen=True)
class Adoption:
    """How many results of the earlier system were taken over, and what they took on disk before and after."""

    results: int
    disk_bytes_before: int
    disk_bytes_after: int

    def __str__(self) -> str:
        """Tell it in a sentence."""
        saved = 100 * (1 - self.disk_bytes_after / self.disk_bytes_before)
        less = f"{saved:.3f} % less" if saved > 0 else "as its time series were gone already"
        return (
            f"{self.results} results of the earlier system: {self.disk_bytes_before} bytes on disk become"
            f" {self.disk_bytes_after}, {less}"
        )


def set_aside_earlier_results(connection: psycopg.Connection) -> bool:
    """Set the earlier system's results aside, if this is its database; in the transaction that migrates."""
    found = connection.execute(_IS_THE_EARLIER_SYSTEMS).fetchone() == (True,)
    if found:
        script = resources.files("emg_session").joinpath("migrations", "adoption", "set_aside.sql")
        connection.execute(script.read_bytes())
    return found


def adopted(connection: psycopg.Connection) -> Adoption | None:
    """Return what this transaction took over."""
    with connection.cursor(row_factory=class_row(Adoption)) as cursor:
        return cursor.execute(_ADOPTED).fetchone()
