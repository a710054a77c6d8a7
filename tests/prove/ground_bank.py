"""Where the operations on payment files are possible: months that are funded, built, sent."""

from typing import Any

from tests.prove.ground_livelihood import Livelihood, Recipe
from tests.prove.sending import Ready

_RUN = "/v1/livelihood/runs/{run_id}"


class Bank(Livelihood):
    """Months on their way to the bank."""

    async def with_funds(self) -> str:
        """A month whose funds are secured: every year of these months has its budget."""
        run_id = (await self.run()).path["run_id"]
        path = f"/v1/livelihood/runs/{run_id}"
        year = int((await self.read("finance_approver", path))["period"][:4])
        body: dict[str, Any] = {"year": year, "amount_rial": 10**15, "approval_ref": "1405/1"}
        caller = await self.agency.caller("operator")
        await caller.post("/v1/livelihood/budgets", body)
        await self.ok("finance_approver", f"{path}/fund", {"approval_ref": "1405/08/120"})
        return run_id

    async def with_files(self) -> str:
        run_id = await self.with_funds()
        await self.ok("finance_sender", f"/v1/livelihood/runs/{run_id}/build-file", {})
        path = f"/v1/livelihood/runs/{run_id}"
        await self.until("finance_sender", path, lambda found: found["status"] == "file_built")
        return run_id

    async def building(self) -> Ready:
        return await self.as_role("finance_sender", {"run_id": await self.with_funds()}, {})

    async def sending(self) -> Ready:
        return await self.as_role("finance_sender", {"run_id": await self.with_files()}, {})

    async def reading(self) -> Ready:
        """A month that pays somebody: the year is far, so the award has no end."""
        award = await self.supported()
        await self.agency.eye.execute(
            "UPDATE livelihood.award SET ends_on = NULL, ends_period = NULL WHERE id = $1",
            award["award_id"],
        )
        return await self.as_role("finance_sender", {"run_id": await self.with_files()})


RECIPES: dict[str, Recipe] = {
    f"POST {_RUN}/build-file": Bank.building,
    f"POST {_RUN}/send": Bank.sending,
    f"GET {_RUN}/files": Bank.reading,
    f"GET {_RUN}/payment-file": Bank.reading,
}
