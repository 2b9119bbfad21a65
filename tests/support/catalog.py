"""Everything a database is made of, as lines that can be compared."""

import psycopg

_LINES = """
WITH ours AS (SELECT oid, relname, relkind, relacl, relrowsecurity, reloptions FROM pg_class
              WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v'))
SELECT format('column %s.%s %s default %s null %s comment %s', relname, attname, format_type(atttypid, atttypmod),
              pg_get_expr(adbin, adrelid), NOT attnotnull, col_description(ours.oid, attnum))
FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = ours.oid AND adnum = attnum
UNION ALL
SELECT format('relation %s %s rows %s options %s comment %s rights %s', relname, relkind, relrowsecurity, reloptions,
              obj_description(oid, 'pg_class'), relacl) FROM ours
UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN ours ON ours.oid = indrelid
UNION ALL SELECT format('constraint %s %s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
FROM pg_constraint JOIN ours ON ours.oid = conrelid WHERE contype <> 'n'
UNION ALL SELECT format('view %s %s', relname, pg_get_viewdef(oid)) FROM ours WHERE relkind = 'v'
UNION ALL SELECT format('trigger %s %s', pg_get_triggerdef(pg_trigger.oid), tgenabled)
FROM pg_trigger JOIN ours ON ours.oid = tgrelid WHERE NOT tgisinternal
UNION ALL SELECT format('policy %s %s %s', relname, polname, pg_get_expr(polqual, polrelid))
FROM pg_policy JOIN ours ON ours.oid = polrelid
UNION ALL SELECT format('function %s rights %s comment %s', pg_get_functiondef(oid), proacl,
                         obj_description(oid, 'pg_proc'))
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1
"""


def catalog(url: str) -> list[str]:
    """Return what tables, views, indexes, functions, triggers, policies, rights and comments there are."""
    with psycopg.connect(url) as connection:
        return [line for (line,) in connection.execute(_LINES)]
