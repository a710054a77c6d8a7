"""The manifest of exemption."""

from services.exemption.models import metadata
from services.exemption.routes import router
from services.exemption.workflow import EXEMPTION
from shared.service import Service
from shared.storage.coverage import HEARS

service = Service(
    name="exemption",
    title="معافیت از خدمت سربازی",
    metadata=metadata,
    routers=[router],
    workflows=[EXEMPTION],
    hears=HEARS,
)
create_app = service.create_app
