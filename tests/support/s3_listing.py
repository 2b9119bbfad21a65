"""The one answer of S3 that a real server on a folder can't give: a listing with keys that are no paths."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

_PAGE_KEYS = 4
_OBJECT = (
    "<Contents><Key>{}</Key><LastModified>2026-03-02T10:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag>"
    "<Size>5</Size></Contents>"
)


def listing(keys: Sequence[str], query: dict[str, str]) -> str:
    """Return ListObjectsV2's answer, four keys or folders a page."""
    prefix, after = query.get("prefix", ""), query.get("continuation-token") or query.get("start-after", "")
    folders: dict[str, None] = {}
    objects = []
    for key in sorted(key for key in keys if key.startswith(prefix) and key > after):
        inner, slash, _ = key.removeprefix(prefix).partition("/")
        if query.get("delimiter") and slash:
            folders[f"{prefix}{inner}/"] = None
        else:
            objects.append(key)
    shown, more = objects[:_PAGE_KEYS], len(objects) > _PAGE_KEYS
    token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
    prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
    contents = "".join(_OBJECT.format(escape(key)) for key in shown)
    truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
    return f"<ListBucketResult><Name>recordings</Name>{truncated}{token}{contents}{prefixes}</ListBucketResult>"


@contextmanager
def serving_listing(keys: Sequence[str]) -> Iterator[str]:
    """Answer listings while the block runs; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = listing(keys, query).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
