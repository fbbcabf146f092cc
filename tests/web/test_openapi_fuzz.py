"""schemathesis against our own OpenAPI, with each role: no crash, no answer that the document does not name, nothing
that the role may not know. (Nobody is let in at all: test_guard.py.)

`make fuzz-api` takes ten minutes; here a few examples of each operation do.
"""

import asyncio
import os

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from memory_people import PASSWORD
from schemathesis.checks import CHECKS
from site_client import Site
from small_site import CANARY

from softswitch.web.lockout import Lockout

EXAMPLES = int(os.environ.get("API_FUZZ_EXAMPLES", "2"))
WHOLE = {"ada", "otto"}
"""Administrators and auditors, who may see the whole of it for a reason."""
OF_AN_AGENT = {"/api/login", "/api/session", "/api/session/proof"}
"""What an agent is answered beside the agent's own paths."""
OWN = ("/api/agents/{agent}", "/api/agent/")
NOT_OWN = {"/api/agents/{agent}/mute"}

site = Site()
for _number in range(3):
    site.switch.place_call(f"call{_number}", "101", "in call")
schema = schemathesis.openapi.from_dict(asyncio.run(site.get("ada", "/api/openapi.json")).json())
schema.app = site.app


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_the_promises_of_its_openapi_document_to_everybody(case) -> None:
    for name in ("101", "sue", "ada", "otto"):
        site.room.authenticator._lockout = Lockout()  # the bad credentials that it tries are to be answered one by one
        _check_role(case, name, case.call_and_validate(auth=(name, PASSWORD)))


def _check_role(case, name: str, response) -> None:
    text = response.content.decode("utf-8", "replace")  # a document is none
    asked_for_all = str((case.query or {}).get("whole")).lower() in ("true", "1", "on", "yes", "t", "y")
    if name not in WHOLE or not asked_for_all:
        assert CANARY[-9:] not in text
    if name == "101":
        assert response.status_code >= 400 or _is_an_agents(case.path), (case.path, response.status_code)
        assert "masked" not in text
        assert '"102"' not in text or response.status_code >= 400


def _is_an_agents(path: str) -> bool:
    return path in OF_AN_AGENT or (path.startswith(OWN) and path not in NOT_OWN)


def test_the_checks_that_matter_are_among_those_that_run() -> None:
    names = {check.__name__ for check in CHECKS.get_all()}
    assert {"not_a_server_error", "status_code_conformance", "response_schema_conformance", "ignored_auth"} <= names
