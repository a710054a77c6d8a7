"""The manifest of eligibility."""

from services.eligibility.models import metadata
from services.eligibility.routes import router
from services.eligibility.workflow import ELIGIBILITY
from shared.service import Service
from shared.storage.coverage import HEARS

service = Service(
    name="eligibility",
    title="تأیید صلاحیت",
    metadata=metadata,
    routers=[router],
    workflows=[ELIGIBILITY],
    hears=HEARS,
)
create_app = service.create_app
