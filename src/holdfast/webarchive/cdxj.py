"""CDXJ index lines, sorted by a URL turned around (SURT), as replay tools look pages up.

A key is the host's labels in reverse, `)`, then path and query in lower case, the query's
parameters sorted; `www.` is dropped. A request that is no GET gets `__wb_method` and its body as
parameters, so that a preflight or a POST never shadows the page of the same address.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

_WWW = re.compile(r"^www\d*\.")
_DEFAULT = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_PRINTED = "".join(map(chr, range(33, 127)))
BODY = 4096
"""Bytes of a request's body that go into a key."""


def surt(url: str) -> str:
    """Return the key of `url`; one that is not of the web stays as it is."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return url
    if not host or parts.scheme not in _DEFAULT:
        return url
    host = _WWW.sub("", host.rstrip("."))
    literal = ":" in host or re.fullmatch(r"[0-9.]+", host)
    key = f"[{host}]" if ":" in host else host if literal else ",".join(reversed(host.split(".")))
    if port is not None and port != _DEFAULT[parts.scheme]:
        key += f":{port}"
    path = parts.path.lower() or "/"
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    query = "&".join(sorted(parts.query.lower().split("&"))) if parts.query else ""
    return f"{key}){path}" + (f"?{query}" if query else "")


def with_method(url: str, method: str, body: bytes, form: bool) -> tuple[str, str]:
    """Return `url` with the method and body as parameters, and the parameters alone."""
    if method == "GET":
        return url, ""
    extra = f"__wb_method={method}"
    if body and form:
        extra += "&" + body[:BODY].decode("latin-1")
    elif body:
        extra += "&__wb_post_data=" + base64.b64encode(body[:BODY]).decode()
    bare = url.partition("#")[0]
    return bare + ("&" if "?" in bare else "?") + extra, extra


def line(key_url: str, date: str, values: dict[str, Any]) -> str:
    """Return an index line; `date` is RFC 3339."""
    stamp = re.sub(r"[^0-9]", "", date)[:14]
    key = quote(surt(key_url), safe=_PRINTED)
    return f"{key} {stamp} {json.dumps(values, ensure_ascii=True)}"
