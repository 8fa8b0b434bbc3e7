"""Issue "workbench": "OpenAPI 3.1 true to the code (schemathesis in CI finds no 5xx and no schema
violation)".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from holdfast.api import openapi

if TYPE_CHECKING:
    from tests.serving import Served

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDS = {"/cases/{case}/close", "/cases/{case}/role"}
"""What would take the case, or the asker's part in it, away from the other tests."""
schema = schemathesis.openapi.from_dict(openapi.document())


@schema.parametrize()
@settings(
    max_examples=2,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
def test_whatever_is_sent_the_document_told_of_the_answer(
    case: schemathesis.Case[Any], served: Served
) -> None:
    if "case" in (case.path_parameters or {}):
        case.path_parameters["case"] = "1999-0001" if case.path in ENDS else "2026-0001"
    case.cookies.clear()
    headers = dict(served.fuzzer.headers)
    case.call_and_validate(base_url=f"{served.url}/api/v1", headers=headers, checks=CHECKS)
