"""The OpenAPI 3.1 document, made of the same offers that the routes are made of."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from holdfast import __version__
from holdfast.api import downloads, problems, shape
from holdfast.api.jobs import schema as job_schema
from holdfast.api.offer import offers
from holdfast.examine import arrow_stream

if TYPE_CHECKING:
    from holdfast.api.offer import Offer
    from holdfast.api.shape import Schema

_PROBLEM = {"$ref": "#/components/responses/Problem"}
_CASE = {"name": "case", "in": "path", "required": True, "schema": {"type": "string"},
         "description": "Its number: 2026-0001."}  # fmt: skip
_PAGING = [
    {
        "name": "cursor", "in": "query", "schema": {"type": "string"},
        "description": "`next` of the page before; the question itself is not given again.",
    },
    {
        "name": "page_size", "in": "query", "description": "Answers on a page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    },
]  # fmt: skip
_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"},
          "description": "An ETag: 304 if the answer is still the same."}  # fmt: skip
_KEY = {
    "name": "Idempotency-Key", "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "With it the request is done once, and its repetition answered the same.",
}  # fmt: skip
_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_UNCHANGED = {"description": "Nothing has changed.", "headers": {"ETag": {"schema": {"type":
              "string"}}}}  # fmt: skip
_TAGGED = {"ETag": {"schema": {"type": "string"}, "description": "The answer's digest."}}
_ABOUT = """What can be done by the command line, for programs: the same acts, the same authority,
the same entries in the custody log. Made from the code of the acts, so that it can't go stale.

An act that only reads is a GET. Long answers come in pages (`cursor`), or whole as JSON lines
(`Accept: application/jsonl`), which are the very lines that the command prints with `--json`.
Events, indicators and hits of a search also come as `application/vnd.apache.arrow.stream`, whose
schema's metadata says how many rows follow (`holdfast.rows`).
"""


@cache
def text() -> bytes:
    """Return the document as JSON."""
    return orjson.dumps(document(), option=orjson.OPT_SORT_KEYS)


def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for one in offers().values():
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    paths |= _fixed()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"session": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Job": job_schema(), "Problem": problems.SCHEMA},
            "responses": {
                "Problem": {
                    "description": "It was not done, and why.",
                    "content": {
                        problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
                    },
                }
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "holdfast"},
            },
        },
    }


def _operation(offer: Offer) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": offer.name,
        "summary": shape.first_line(offer.act.run),
        "parameters": [_CASE] if offer.in_case else [],
        "responses": {**_answers(offer), "default": _PROBLEM},
    }
    if offer.act.reads:
        operation["parameters"] += [*_queries(offer), *(_PAGING if offer.many else []), _MATCH]
    else:
        operation["parameters"].append(_KEY)
        operation["requestBody"] = {
            "required": bool(offer.schema["required"]),
            "content": {"application/json": {"schema": offer.schema}},
        }
    return operation


def _queries(offer: Offer) -> list[dict[str, Any]]:
    """Return the act's fields as a query has them: a list is a name given again and again.

    None of them is required, as a `cursor` stands for the whole question.
    """
    queries = []
    for name, schema in offer.schema["properties"].items():
        one = {"name": name, "in": "query", "schema": _in_query(schema)}
        if text := schema.get("description"):
            one["description"] = text
        if not offer.many:
            one["required"] = name in offer.schema["required"]
        queries.append(one)
    return queries


def _in_query(schema: Schema) -> Schema:
    """Return a field's schema without null, which a query can't say: it is left out."""
    kinds: list[Schema] = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(kinds) == 1:
        return kinds[0]
    return {name: value for name, value in schema.items() if name != "description"}


def _answers(offer: Offer) -> dict[str, Any]:
    if offer.act.long:
        location = {"Location": {"schema": {"type": "string"}, "description": "The job."}}
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
        told = f"A job does it; its result is, a line each: {offer.answer.get('description', '')}"
        return {"202": {"description": told, "content": content, "headers": location}}
    if not offer.act.reads:
        many = {
            "type": "object",
            "properties": {"items": {"type": "array", "items": offer.answer}},
            "required": ["items"],
        }
        schema = many if offer.many else offer.answer
        return {"200": {"description": "Done.", "content": {"application/json": {"schema":
                schema}}}}  # fmt: skip
    one: dict[str, Any] = {"application/jsonl": {"schema": {"type": "string"}}}
    if offer.name in arrow_stream.SCHEMAS:
        # Bytes: OpenAPI 3.1 has no schema for them (section 4.8.14.1).
        one[arrow_stream.MEDIA_TYPE] = {}
    schema = _page(offer.answer) if offer.many else offer.answer
    return {
        "200": {
            "description": "The answer.",
            "headers": _TAGGED,
            "content": {"application/json": {"schema": schema}, **one},
        },
        "304": _UNCHANGED,
    }


def _page(answer: Schema) -> Schema:
    return {
        "type": "object",
        "description": "A page of the answer.",
        "properties": {
            "count": {"type": "integer", "description": "Answers on all pages together."},
            "items": {"type": "array", "items": answer},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
            "sha256": {"type": "string", "description": "Over all lines of the answer."},
        },
        "required": ["count", "items", "next", "sha256"],
        "additionalProperties": False,
    }


def _fixed() -> dict[str, Any]:
    """Return what is no act."""
    names = {"type": ["array", "null"], "items": {"type": "string"}}
    me = {
        "type": "object",
        "properties": {"acts": names, "cases": names, "how": {"type": "string"},
                       "name": {"type": "string"}},
        "required": ["acts", "cases", "how", "name"],
    }  # fmt: skip
    problem = {
        "type": "object",
        "properties": {"exit_code": {"type": "integer"}, "fault": {"type": "string"},
                       "meaning": {"type": "string"}},
        "required": ["exit_code", "fault", "meaning"],
    }  # fmt: skip
    fault = {"name": "fault", "in": "path", "required": True,
             "schema": {"enum": sorted(problems.KINDS)}}  # fmt: skip
    return {
        "/me": {"get": {**_plain("me", "Say who asks, and what the token is for.", me)}},
        "/problems/{fault}": {
            "get": {
                **_plain("problem", "Say what a kind of problem is.", problem),
                "parameters": [fault],
                "security": [],
            }
        },
        **_jobs(),
        downloads.PATH: {"get": _content()},
        "/openapi.json": {
            "get": {
                **_plain("openapi", "Return this document.", {"type": "object"}),
                "security": [],
                "parameters": [_MATCH],
            }
        },
    }


def _content() -> dict[str, Any]:
    operation = downloads.document()
    operation["parameters"].insert(0, _CASE)
    operation["responses"]["default"] = _PROBLEM
    return operation


def _jobs() -> dict[str, Any]:
    one = {"$ref": "#/components/schemas/Job"}
    many = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": one}},
        "required": ["items"],
    }
    job = {"name": "job", "in": "path", "required": True, "schema": _ID}
    shown = _plain("job", "Say how far a job is.", one)
    result = _plain("job.result", "Return the lines of a job that is done.", {})
    lines = {"application/jsonl": {"schema": {"type": "string"}}}
    result["responses"]["200"] = {"description": "The lines.", "content": lines,
                                  "headers": _TAGGED}  # fmt: skip
    result["responses"]["304"] = _UNCHANGED
    events = _plain("job.events", "Tell how far a job is, until it is over.", {})
    events["responses"]["200"]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "/jobs": {"get": _plain("jobs", "List your jobs, the newest first.", many)},
        "/jobs/{job}": {"get": {**shown, "parameters": [job]}},
        "/jobs/{job}/result": {"get": {**result, "parameters": [job, _MATCH]}},
        "/jobs/{job}/events": {"get": {**events, "parameters": [job]}},
    }


def _plain(name: str, summary: str, schema: Schema) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    answers = {"200": {"description": "The answer.", "content": content}, "default": _PROBLEM}
    if name == "openapi":
        answers["304"] = _UNCHANGED
    return {"operationId": name, "summary": summary, "responses": answers}
