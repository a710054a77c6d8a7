"""For every operation a request that is accepted as it stands: a case where it may happen."""

from tests import make
from tests.prove import (
    ground_bank,
    ground_emergency,
    ground_handover,
    ground_intake,
    ground_livelihood,
    ground_recovery,
    ground_reports,
    ground_results,
)
from tests.prove.document import Operation
from tests.prove.ground_emergency import Emergencies
from tests.prove.ground_handover import Handovers
from tests.prove.ground_intake import Intake
from tests.prove.ground_reports import Reports
from tests.prove.ground_results import Results
from tests.prove.sending import Ready

GROUNDS = (
    *(ground_intake, ground_livelihood, ground_bank, ground_results),
    *(ground_recovery, ground_reports, ground_emergency, ground_handover),
)
RECIPES = {key: recipe for ground in GROUNDS for key, recipe in ground.RECIPES.items()}
# No case of these services can be opened yet: all that can be asked for is not there.
UNREACHABLE = {
    f"GET /v1/{service}/cases/{{tracking_code}}": "its applications are not open yet"
    for service in ("loans", "exemption", "eligibility", "shares")
}


class Stages(Intake, Emergencies, Reports, Results, Handovers):
    """Makes requests ready; what is read only is prepared once."""

    async def __call__(self, operation: Operation) -> Ready:
        """A good request for this operation, under a key of its own."""
        if operation.method == "GET" and operation.key in self._held:
            return self._held[operation.key]
        recipe = RECIPES.get(operation.key)
        ready = await (recipe(self) if recipe else self.plain(operation))
        self._held[operation.key] = ready
        if operation.method != "GET":
            key = f"prove-{make.national_code()}-{next(self._numbers)}"
            ready.headers = [*ready.headers, (b"idempotency-key", key.encode())]
        return ready

    async def plain(self, operation: Operation) -> Ready:
        """Where nothing has to be there: a reader's role, and names that everybody knows."""
        roles = operation.roles
        known = {"service": "shares", "topic": "application.submitted"}
        path = {one.path[0]: known.get(one.path[0], "") for one in operation.parameters("path")}
        body = operation.example()
        if body is None and operation.shapes():
            body = operation.shapes()[0][0]
        if roles is None:
            return Ready([], path, body=body)
        role = next(one for one in ("operator", "social_worker", *roles) if one in roles)
        return self.by(await self.agency.caller(role), path, body)
