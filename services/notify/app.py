"""The manifest of notify."""

from services.notify.actions import seed
from services.notify.clients import Clients
from services.notify.events import HEARS, TIMERS
from services.notify.models import metadata
from services.notify.routes import router
from services.notify.workflow import NOTICE
from shared.service import Service

service = Service(
    name="notify",
    title="پیام‌ها و کارتابل",
    metadata=metadata,
    routers=[router],
    workflows=[NOTICE],
    hears=HEARS,
    timers=TIMERS,
    clients=Clients,
    seeds=seed,
)
create_app = service.create_app
