"""The table of paths: api.md section 2, line by line, and what must lead nowhere."""

import pytest

from services.gateway import routes

UUID = "018f6a5e-7c1d-7e00-8000-000000000001"


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/services", "intake"),
        ("/v1/services/loans/checklist", "intake"),
        ("/v1/applications/SH-0123456789/documents", "intake"),
        ("/v1/people/lookup", "intake"),
        ("/v1/households/1/members", "intake"),
        ("/v1/coverage", "intake"),
        ("/v1/life-events", "intake"),
        ("/v1/worklist", "intake"),
        ("/v1/follow", "intake"),
        ("/v1/me/contact", "intake"),
        ("/v1/access-log", "intake"),
        ("/v1/one-time-codes", "intake"),
        ("/v1/areas", "intake"),
        ("/v1/offices", "intake"),
        ("/v1/counters/contracts", "intake"),
        ("/v1/questions/1/answer", "intake"),
        ("/v1/complaints", "intake"),
        ("/v1/holds/1/release", "intake"),
        ("/v1/livelihood/runs/1/bank-results", "livelihood"),
        ("/v1/loans/queue", "loans"),
        ("/v1/exemption/letters/1/pdf", "exemption"),
        ("/v1/shares/cards/me", "shares"),
        ("/v1/eligibility/batches", "eligibility"),
        ("/v1/inbox", "notify"),
        ("/v1/notifications", "notify"),
        ("/v1/templates/loans.referred", "notify"),
        ("/v1/receipts/sms-primary", "notify"),
        ("/v1/verify/letters/abc", "exemption"),
        ("/v1/verify/certificates", "eligibility"),
        (f"/v1/decisions/livelihood-{UUID}/replay", "livelihood"),
        (f"/v1/decisions/eligibility-{UUID}", "eligibility"),
        ("/v1/policies/loans.ceiling/3/approve", "loans"),
        ("/v1/policies/counter.proof", "intake"),
        ("/v1/audit/entries", "intake"),
        (f"/v1/audit/proofs/shares-{UUID}", "shares"),
        ("/v1/reports/performance", "intake"),
        ("/v1/reports/exemption", "exemption"),
        ("/spdci/v1/registry/sync/enrolled", "eligibility"),
    ],
)
@pytest.mark.req("X-01")
def test_a_path_belongs_to_one_service(path, service):
    route = routes.find(path)
    assert route is not None
    assert route.service == service
    assert path.startswith(route.prefix)


def test_a_list_of_several_services_is_chosen_by_its_filter():
    assert routes.find("/v1/audit/entries", b"limit=5&service=loans").service == "loans"
    assert routes.find("/v1/audit/entries", b"service=elsewhere").service == "intake"


@pytest.mark.parametrize(
    "path",
    [
        *("/internal/people", "/v1/internal/people", "/v1", "/v1/", "/v2/applications", "*"),
        *("/v1/applications/../../internal/people", "/v1/applications/./x", "/v1//applications"),
        *("/v1/applications/..", "//v1/applications", "/v1/applications\\..\\internal"),
        *("/V1/applications", "/v1/verify", "/v1/verify/anything", "/spdci", "/spdci/v2/registry"),
        *("/livez/x", "/v1/intake/applications", "/v1/notify", "/v1/openapi.json"),
    ],
)
def test_no_other_path_leads_anywhere(path):
    assert routes.find(path) is None


@pytest.mark.parametrize(
    ("method", "path", "public"),
    [
        ("GET", "/v1/services/loans/statement", True),
        ("PUT", "/v1/services/loans/statement", False),
        ("GET", "/v1/statements/1", True),
        ("GET", "/v1/areas", True),
        ("GET", "/v1/verify/letters/abc", True),
        ("POST", "/v1/verify/certificates", True),
        ("POST", "/v1/follow", True),
        ("GET", "/v1/follow", False),
        ("POST", "/v1/receipts/sms-primary", True),
        ("POST", "/spdci/v1/oauth2/client/token", True),
        ("GET", "/spdci/v1/.well-known/jwks.json", True),
        ("POST", "/spdci/v1/registry/sync/enrolled", False),
        ("GET", "/v1/offices", True),
        ("POST", "/v1/applications", False),
        ("GET", "/v1/decisions/eligibility-1", False),
    ],
)
@pytest.mark.req("X-03")
def test_only_the_listed_paths_are_public(method, path, public):
    assert (method in routes.find(path).public) is public
