"""The manifest of livelihood."""

from services.livelihood import routes
from services.livelihood.awards import routes as awards
from services.livelihood.awards.workflow import AWARD
from services.livelihood.clients import Clients
from services.livelihood.emergencies import routes as emergencies
from services.livelihood.events import HEARS, TIMERS
from services.livelihood.handovers import routes as handovers
from services.livelihood.handovers.workflow import HANDOVER
from services.livelihood.models import metadata
from services.livelihood.payments import routes as payments
from services.livelihood.rates import routes as rates
from services.livelihood.rates.actions import seed
from services.livelihood.reports import routes as reports
from services.livelihood.runs import routes as runs
from services.livelihood.runs.workflow import RUN
from services.livelihood.workflow import ADMISSION
from shared.service import Service

service = Service(
    name="livelihood",
    title="کمک معیشت",
    metadata=metadata,
    routers=[
        *(routes.cases, routes.router, emergencies.router, awards.router),
        *(rates.router, runs.router, payments.router, reports.router, handovers.router),
    ],
    internal=[routes.internal, runs.internal],
    workflows=[ADMISSION, AWARD, RUN, HANDOVER],
    hears=HEARS,
    timers=TIMERS,
    clients=Clients,
    seeds=seed,
    streams=runs.STREAMS,
)
create_app = service.create_app
