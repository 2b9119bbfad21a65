"""The columns of a view, as the database's catalogue tells them."""

from dataclasses import dataclass
from typing import Any

import psycopg

_COLUMNS = """
SELECT attname, typname, coalesce(col_description(attrelid, attnum), '')
FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
WHERE attrelid = %(relation)s::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""


@dataclass(frozen=True)
class Column:
    """A column: its name, PostgreSQL's name of its type, and what its comment says, unit included."""

    name: str
    type: str
    comment: str


def columns_of(connection: psycopg.Connection[Any], relation: str) -> list[Column]:
    """Return the columns of a table or view in its order."""
    return [Column(*row) for row in connection.execute(_COLUMNS, {"relation": relation})]
