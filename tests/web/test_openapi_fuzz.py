"""schemathesis against our own OpenAPI, with each role: no crash, no answer that the document does not name, nothing
that the role may not know. (Nobody is let in at all: test_guard.py.)

`make fuzz-api` takes ten minutes and tries the edges of every value too; here a few examples of each operation do.
Each operation is a test of its own: `pytest "tests/web/test_openapi_fuzz.py::test_...[GET /api/calls]"` tries one.
"""

import asyncio
import os
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from memory_people import PASSWORD
from schemathesis.checks import CHECKS
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from site_client import Site
from small_site import CANARY

from softswitch.web.lockout import Lockout

EXAMPLES = int(os.environ.get("API_FUZZ_EXAMPLES", "2"))
SEED = int(os.environ.get("API_FUZZ_SEED", "2026"))
IS_THOROUGH = EXAMPLES > 10
ROLES = ("101", "sue", "ada", "otto")
"""An agent, a supervisor, an administrator, an auditor."""
WHOLE = {"ada", "otto"}
"""Administrators and auditors, who may see the whole of it for a reason."""
OF_AN_AGENT = {"/api/login", "/api/session", "/api/session/proof"}
"""What an agent is answered beside the agent's own paths."""
OWN = ("/api/agents/{agent}", "/api/agent/")
NOT_OWN = {"/api/agents/{agent}/mute"}

site = Site()
document = asyncio.run(site.get("ada", "/api/openapi.json")).json()
schema = schemathesis.openapi.from_dict(document)
schema.app = site.app
OPERATIONS = [found.ok() for found in schema.get_all_operations()]
"""One that schemathesis cannot read raises here."""
requests_made = dict.fromkeys(ROLES, 0)


@pytest.fixture(scope="module", autouse=True)
def tally() -> Iterator[None]:
    yield
    print(f"seed {SEED}, requests {requests_made}")


# schemathesis' own way gives all operations one node identifier, of which several processes run one; and it makes all
# cases of all operations in each process while it collects.
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_the_api_keeps_the_promises_of_its_openapi_document_to_everybody(operation, request) -> None:
    assert request.node.nodeid.endswith(f"[{operation.label}]")
    modes = [HypothesisTestMode.FUZZING, *([HypothesisTestMode.COVERAGE] if IS_THOROUGH else [])]
    config = HypothesisTestConfig(project=schema.config, modes=modes)
    for number in range(3):
        site.switch.place_call(f"call{number}", "101", "in call")  # what came before may have ended them
    before = dict(requests_made)
    create_test(operation=operation, test_func=try_all_roles, config=config)()
    assert all(requests_made[name] > before[name] for name in ROLES)


@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def try_all_roles(case) -> None:
    for name in ROLES:
        site.room.authenticator._lockout = Lockout()  # the bad credentials that it tries are to be answered one by one
        requests_made[name] += 1
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


def test_each_operation_of_the_document_is_tried_by_itself() -> None:
    methods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
    named = {f"{method.upper()} {path}" for path, each in document["paths"].items() for method in methods & set(each)}
    assert len(named) > 100
    assert sorted(operation.label for operation in OPERATIONS) == sorted(named)


def test_the_checks_that_matter_are_among_those_that_run() -> None:
    names = {check.__name__ for check in CHECKS.get_all()}
    assert {"not_a_server_error", "status_code_conformance", "response_schema_conformance", "ignored_auth"} <= names
