"""The manifest of intake."""

from services.intake.adoption import routes as adoption
from services.intake.applications import events as own
from services.intake.applications import routes as applications
from services.intake.catalogue import routes as catalogue
from services.intake.catalogue.actions import seed
from services.intake.clients import Clients
from services.intake.coverage import routes as coverage
from services.intake.documents import routes as documents
from services.intake.events import HEARS
from services.intake.households import routes as households
from services.intake.life_events import routes as life_events
from services.intake.models import metadata
from services.intake.people import routes as people
from services.intake.workflow import APPLICATION
from services.intake.worklist import routes as worklist
from shared.service import Service

service = Service(
    name="intake",
    title="پذیرش، اشخاص و فهرست خدمت‌ها",
    metadata=metadata,
    routers=[
        *(applications.router, catalogue.router, people.router, households.router),
        *(coverage.router, life_events.router, documents.router, worklist.router),
    ],
    internal=[
        *(applications.internal, people.internal, households.internal),
        *(coverage.internal, adoption.internal),
    ],
    workflows=[APPLICATION],
    hears={**own.HEARS, **HEARS},
    timers=own.TIMERS,
    clients=Clients,
    seeds=seed,
)
create_app = service.create_app
