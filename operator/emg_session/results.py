"""All results of one recording: what several profiles, or one with several options, made of the same bytes.

The same bytes may lie in another subject's folder, too. What was computed there, with that subject's references, is not
shown here: a session's results are its own and those of its subject's sessions in its centre.
"""

from dataclasses import dataclass
from datetime import datetime

MOST_RESULTS = 100

_OF_RECORDING = """
FROM therapy_sessions AS session
JOIN analysis_results AS result ON result.file_hash = session.file_hash
WHERE session.session_code = %(session_code)s
  AND result.processing_version = %(processing_version)s
  AND result.analytics_summary IS NOT NULL
  AND (result.parameters IS NOT DISTINCT FROM session.parameters OR EXISTS (
      SELECT FROM therapy_sessions AS maker
      WHERE maker.file_hash = session.file_hash
        AND (maker.id = session.id OR (maker.subject, maker.centre) = (session.subject, session.centre))
        AND (maker.id = result.session_id OR maker.parameters = result.parameters)))
"""
_OWN_FIRST = (
    "ORDER BY result.parameters IS NOT DISTINCT FROM session.parameters DESC, result.updated_at DESC, result.id"
)

LIST_RESULTS = (
    """
SELECT result.analytics_summary #>> '{profile,name}' AS profile,
       result.analytics_summary #>> '{profile,digest}' AS digest,
       result.analytics_summary #>> '{provenance,core_version}' AS core_version,
       result.updated_at AS computed_at,
       result.parameters IS NOT DISTINCT FROM session.parameters AS own
"""
    + _OF_RECORDING
    + _OWN_FIRST
    + " LIMIT %(limit)s"
)

LOAD_PROFILE_RESULT = (
    """
SELECT result.analytics_summary
"""
    + _OF_RECORDING
    + """
  AND %(profile)s IN (result.analytics_summary #>> '{profile,name}', result.analytics_summary #>> '{profile,digest}')
"""
    + _OWN_FIRST
    + " LIMIT 1"
)


@dataclass(frozen=True, kw_only=True)
class StoredResult:
    """One result of a recording; `own` is the one whose parameters are the session's.

    The digest tells profiles apart that differ by their options only.
    """

    profile: str
    digest: str
    core_version: str
    computed_at: datetime
    own: bool
