"""Checks for schemathesis (SCHEMATHESIS_HOOKS): what a Go-compatible API answers, held against its document."""
import re

import schemathesis
from schemathesis.core.failures import Failure

# Answered before any route is known, and so not listed with one: heads that are no HTTP, and redirects of paths with
# empty or dotted segments.
OF_NO_ROUTE = {307, 405, 408, 417, 431, 501, 505}


def documented(response, case) -> dict | None:
    responses = case.operation.definition.raw["responses"]
    return responses.get(str(response.status_code))


def content_type(response) -> str:
    values = response.headers.get("content-type") or [""]
    return values[0].split(";")[0].strip()


@schemathesis.check
def documented_status(ctx, response, case):
    if response.status_code in OF_NO_ROUTE or documented(response, case):
        return
    # A path that a made-up parameter led elsewhere is another route's, or none's.
    if response.status_code == 404 and response.text.startswith("Invalid URL path"):
        return
    raise Failure(operation=case.operation.label, title="Undocumented status",
                  message=f"{response.status_code}: {response.text[:300]!r}")


@schemathesis.check
def documented_content(ctx, response, case):
    entry = documented(response, case)
    if entry is None or response.status_code in OF_NO_ROUTE or not response.content:
        return
    kind = content_type(response)
    if not kind and response.status_code == 400:
        return
    if kind not in entry.get("content", {}):
        raise Failure(operation=case.operation.label, title="Undocumented content type",
                      message=f"{response.status_code} {kind!r}: {response.text[:300]!r}")


@schemathesis.check
def documented_failure(ctx, response, case):
    """The text of a failure is one of those that its route names."""
    entry = documented(response, case)
    if response.status_code < 400 or entry is None or content_type(response) not in ("", "text/plain"):
        return
    schema = entry.get("content", {}).get("text/plain", {}).get("schema", {})
    if "pattern" in schema and not re.search(schema["pattern"], response.text):
        raise Failure(operation=case.operation.label, title="Undocumented failure",
                      message=f"{response.status_code}: {response.text[:300]!r}")


@schemathesis.check
def never_sniffed(ctx, response, case):
    if response.headers.get("x-content-type-options") != ["nosniff"] and response.status_code not in (400, 408, 431):
        raise Failure(operation=case.operation.label, title="No X-Content-Type-Options",
                      message=f"{response.status_code}: {response.headers}")
