"""The manifest of shares."""

from services.shares.models import metadata
from services.shares.routes import router
from services.shares.workflow import SHARES
from shared.service import Service
from shared.storage.coverage import HEARS

service = Service(
    name="shares",
    title="سهام عدالت",
    metadata=metadata,
    routers=[router],
    workflows=[SHARES],
    hears=HEARS,
)
create_app = service.create_app
