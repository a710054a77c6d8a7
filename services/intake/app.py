"""The manifest of intake."""

from services.intake.applications import routes as applications
from services.intake.catalogue import routes as catalogue
from services.intake.catalogue.actions import seed
from services.intake.clients import Clients
from services.intake.events import HEARS, TIMERS
from services.intake.models import metadata
from services.intake.workflow import APPLICATION
from shared.service import Service

service = Service(
    name="intake",
    title="پذیرش، اشخاص و فهرست خدمت‌ها",
    metadata=metadata,
    routers=[applications.router, catalogue.router],
    internal=[applications.internal],
    workflows=[APPLICATION],
    hears=HEARS,
    timers=TIMERS,
    clients=Clients,
    seeds=seed,
)
create_app = service.create_app
