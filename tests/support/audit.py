"""The API server's own log of what service accounts asked for: the witness for what the programs' roles must grant."""

import json
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
Use = tuple[str, str, str]


def audit_entries(log: Path, user: str = "") -> list[Entry]:
    """Return what one user asked for, or all of them."""
    entries: list[Entry] = [json.loads(line) for line in log.read_text().splitlines()]
    return [entry for entry in entries if user in ("", entry["user"]["username"])]


def of_namespace(entries: list[Entry], namespace: str) -> list[Entry]:
    """Return what the service accounts of a namespace asked for."""
    return [entry for entry in entries if entry["user"]["username"].startswith(f"system:serviceaccount:{namespace}:")]


def forbidden(entries: list[Entry]) -> list[str]:
    """Return what was refused for want of a right; a quota or a policy refuses otherwise."""
    return [
        f"{entry['user']['username']}: {entry['verb']} {entry['requestURI']}"
        for entry in entries
        if entry.get("annotations", {}).get("authorization.k8s.io/decision") != "allow"
    ]


def used(entries: list[Entry]) -> set[Use]:
    """Return what was asked for: group, resource, verb."""
    return {_use(entry["objectRef"], entry["verb"]) for entry in entries if "objectRef" in entry}


def _use(reference: dict[str, str], verb: str) -> Use:
    subresource = f"/{reference['subresource']}" if "subresource" in reference else ""
    return (reference.get("apiGroup", ""), reference["resource"] + subresource, verb)
