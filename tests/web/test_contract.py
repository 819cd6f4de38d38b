"""The API keeps its own description: schemathesis sends what the description allows, and what it does not."""

from __future__ import annotations

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connector.web.rights import Right
from tests.web.world import World

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_answers_as_described(app: Flask, there: World, mode: GenerationMode) -> None:
    app.extensions["connector_rate"].burst = 10**9
    headers = there.token(*Right)
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        def holds(case: Case) -> None:
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS, headers=headers)

        holds()
        tried += 1
    assert tried >= 15
