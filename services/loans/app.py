"""The manifest of loans."""

from services.loans.models import metadata
from services.loans.routes import router
from services.loans.workflow import LOAN, REPAYMENT
from shared.service import Service
from shared.storage.coverage import HEARS

service = Service(
    name="loans",
    title="تسهیلات اشتغال",
    metadata=metadata,
    routers=[router],
    workflows=[LOAN, REPAYMENT],
    hears=HEARS,
)
create_app = service.create_app
