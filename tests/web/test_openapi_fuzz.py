"""schemathesis against our own OpenAPI, as an administrator: no crash, no answer that the document does not name."""

import asyncio

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS
from site_client import Site
from small_site import PASSWORD

from softswitch.web.lockout import Lockout

site = Site()
for _number in range(3):
    site.switch.place_call(f"call{_number}", "101", "in call")
schema = schemathesis.openapi.from_dict(asyncio.run(site.get("ada", "/api/openapi.json")).json())
schema.app = site.app


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_the_promises_of_its_openapi_document(case) -> None:
    site.room.authenticator._lockout = Lockout()  # the bad credentials that it tries are to be answered one by one
    case.call_and_validate(auth=("ada", PASSWORD))


def test_the_checks_that_matter_are_among_those_that_run() -> None:
    names = {check.__name__ for check in CHECKS.get_all()}
    assert {"not_a_server_error", "status_code_conformance", "response_schema_conformance", "ignored_auth"} <= names
