"""Where each report of livelihood is possible: a counted month, a covered citizen."""

from tests import make
from tests.prove.ground_livelihood import CONFIRMED, Livelihood, Recipe
from tests.prove.sending import Ready


class Reports(Livelihood):
    """Months that are counted, and citizens who ask for what is theirs."""

    async def counted(self) -> Ready:
        """A month whose list is closed and counted."""
        ready = await self.run()
        path = f"/v1/livelihood/runs/{ready.path['run_id']}/report"
        await self.until("finance_preparer", path, bool)
        return ready

    async def carrying(self, **path: str) -> Ready:
        """A widow with an award asks for her own papers."""
        person: make.Person
        person, code = await self.in_service()
        for role, action, said in CONFIRMED:
            await self.ok(role, f"/v1/livelihood/cases/{code}/{action}", said)
        case = f"/v1/livelihood/cases/{code}"
        await self.until("approver", case, lambda found: found["award_id"] is not None)
        widow = await self.agency.caller("citizen", national_code=person.national_code)
        return self.by(widow, path)


RECIPES: dict[str, Recipe] = {
    "GET /v1/livelihood/runs/{run_id}/report": Reports.counted,
    "GET /v1/livelihood/statements/{year}": lambda s: s.carrying(year="1405"),
    "GET /v1/livelihood/coverage-proof": Reports.carrying,
}
