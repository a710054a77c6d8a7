"""Where banks may answer, a run may be closed, and payments are seen."""

import asyncio
from typing import Any

from tests.prove.ground_bank import Bank
from tests.prove.ground_livelihood import Recipe
from tests.prove.sending import Ready

_RUN = "/v1/livelihood/runs/{run_id}"
RESULT = {
    "reference": "0199a0c07b1e5c3d8f000123456789ab",
    "status": "returned",
    "reason": "AC04",
    "bank_ref": "017/1405/8812",
    "at": "2026-11-22T08:30:00Z",
}
SENDING = asyncio.Lock()


class Results(Bank):
    """Months that their banks have."""

    _sent: str | None = None

    async def sent(self) -> str:
        """A month whose files, if it has any, were accepted."""
        run_id = await self.with_files()
        path = f"/v1/livelihood/runs/{run_id}"
        await self.ok("finance_sender", f"{path}/send", {})
        await self.until(
            "finance_sender",
            f"{path}/files?limit=200",
            lambda found: {file["status"] for file in found["items"]} <= {"accepted"},
        )
        return run_id

    async def answering(self) -> Ready:
        """One month is enough: a bank may answer as often as it likes."""
        async with SENDING:
            if self._sent is None:
                self._sent = await self.sent()
        body: dict[str, Any] = {"results": [dict(RESULT)]}
        return await self.as_role("bank", {"run_id": self._sent}, body)

    async def closing(self) -> Ready:
        run_id = await self.sent()
        path = f"/v1/livelihood/runs/{run_id}"
        for file in (await self.read("finance_sender", f"{path}/files?limit=200"))["items"]:
            asked = {"file_id": file["file_id"], "tell": False}
            settled = (await self.agency.sandbox.post("/bank/settle", json=asked)).json()
            bank = await self.agency.caller("bank", organisation=file["bank_code"])
            answer = await bank.post(f"{path}/bank-results", {"results": settled["results"]})
            assert answer.status_code == 200, answer.text
        await self.until("finance_approver", path, lambda found: found["status"] == "reconciled")
        return await self.as_role("finance_approver", {"run_id": run_id}, {})

    async def paying(self) -> Ready:
        return await self.as_role("citizen", {})


RECIPES: dict[str, Recipe] = {
    f"POST {_RUN}/bank-results": Results.answering,
    f"POST {_RUN}/close": Results.closing,
    "GET /v1/livelihood/payments": Results.paying,
}
