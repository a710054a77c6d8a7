"""Every event of the agency: its name, who hears it, and what a message about it may say.

An event carries ids, codes and dates only; a hearer asks the owner for the rest. What a citizen
may see has a Persian template (services/notify/templates); what is silent says why.
"""

from dataclasses import dataclass

FIVE = ("livelihood", "eligibility", "exemption", "shares", "loans")

# Known of every case without asking: code and label from the event, the help line from policy.
KNOWN = ("tracking_code", "status_label", "phone")


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of event.

    `citizen` tells that a citizen gets a message; else `silent` says why nobody does. `facts` are
    the placeholders that its template may use: beyond KNOWN, the step that tells it supplies them
    (dates as ISO days, `office` and `place` as codes or names of public places). Where an event is
    for very many people, `recipients` is the owner's path that names them page by page.
    """

    name: str
    heard_by: tuple[str, ...]
    silent: str | None
    citizen: bool
    facts: tuple[str, ...]
    recipients: str | None = None


def _told(name: str, *also: str, facts: tuple[str, ...] = ()) -> Topic:
    """Build a step that the citizen hears of; intake keeps the timeline of every service's."""
    owner = () if name.startswith("application.") else ("intake",)
    return Topic(name, (*owner, "notify", *also), None, citizen=True, facts=KNOWN + facts)


def _quiet(name: str, because: str, *also: str) -> Topic:
    """Build a step that needs no message of its own, because another says it."""
    return Topic(name, ("intake", *also), because, citizen=False, facts=())


def _news(name: str) -> Topic:
    """Build a fact about people and coverage that all five services and the citizen hear."""
    return Topic(name, (*FIVE, "notify"), None, citizen=True, facts=("phone",))


def _person(name: str, *also: str) -> Topic:
    """Build a fact that the person knows better than we do: only what follows from it is told."""
    because = "the person knows it; each service tells what follows from it"
    return Topic(name, (*FIVE, *also), because, citizen=False, facts=())


WITHDRAWN = "application.withdrawn says it"
DECEASED = "application.closed_deceased says it to the household"
RESTORED = "application.restored says it"

# Where a service hears its own event, it goes on by itself from there: the next inquiry, the next
# step of the system, the word to an outside party. One line, one topic.
_PAGE = [
    # The application, told by intake
    _told("application.submitted", "intake", facts=("due_on",)),
    _quiet("application.identity_confirmed", "application.routed follows at once"),
    _told("application.identity_refused"),
    _told("application.routed", *FIVE, facts=("office",)),
    _told("application.documents_requested", facts=("due_on",)),
    _told("application.reminded", facts=("due_on",)),
    _told("application.resubmitted", "intake"),
    _told("application.expired", *FIVE),
    _told("application.visit_requested", facts=("visit_on", "place")),
    _told("application.visit_recorded", "intake"),
    _told("application.withdrawn", *FIVE),
    _told("application.closed_deceased", *FIVE),
    _told("application.restored", "intake", *FIVE),
    # People, households and coverage, told by intake
    _news("coverage.started"),
    _news("coverage.ended"),
    _news("coverage.file_suspended"),
    _news("coverage.file_resumed"),
    _person("person.died", "intake"),
    _person("person.death_reversed", "intake"),
    _person("person.married"),
    _person("person.divorced"),
    _person("person.born"),
    _person("person.moved"),
    _person("person.income_changed"),
    _person("person.business_sustained"),
    _person("household.changed"),
    Topic("statement.changed", ("notify",), None, citizen=True, facts=("phone",)),
    _quiet("access.recorded", "who asked about me stands in the access log, not in a message"),
    # Livelihood
    _told("livelihood.opened"),
    _told("livelihood.identified"),
    _told("livelihood.review_started"),
    _told("livelihood.visit_planned", facts=("visit_on",)),
    _told("livelihood.visit_missed"),
    _told("livelihood.closed_unreached"),
    _told("livelihood.visited"),
    _told("livelihood.confirmed"),
    _told("livelihood.refused"),
    _told("livelihood.objection_registered"),
    _told("livelihood.objection_accepted"),
    _told("livelihood.objection_rejected"),
    _told("livelihood.account_requested"),
    _told("livelihood.account_corrected", "livelihood"),
    _told("livelihood.waiting_listed"),
    _told("livelihood.activated", "livelihood"),
    _told("livelihood.emergency_granted", facts=("start_on", "due_on")),
    _told("livelihood.emergency_extended", facts=("due_on",)),
    _told("livelihood.emergency_visited"),
    _told("livelihood.emergency_ended"),
    # Livelihood: the award
    _told("livelihood.size_changed"),
    _told("livelihood.payee_changed"),
    _told("livelihood.award_account_changed"),
    _told("livelihood.transferred", facts=("office",)),
    _told("livelihood.taken_over", "livelihood"),
    _told("livelihood.suspended"),
    _told("livelihood.resumed"),
    _told("livelihood.recovery_planned"),
    _told("livelihood.exit_review_opened"),
    _told("livelihood.kept"),
    _told("livelihood.renewal_review_opened", facts=("due_on",)),
    _told("livelihood.renewed"),
    _told("livelihood.stopped", "livelihood"),
    _told("livelihood.stop_objection_registered"),
    _told("livelihood.stop_upheld"),
    _told("livelihood.reinstated", "livelihood"),
    _told("livelihood.return_opened"),
    # Livelihood: the month. One event for all its households; each case's timeline stays as it is.
    Topic(
        "livelihood.month_paid",
        ("notify",),
        None,
        citizen=True,
        facts=("period", "phone"),
        recipients="/internal/runs/{run_id}/paid",
    ),
    _quiet("livelihood.withdrawn", WITHDRAWN),
    _quiet("livelihood.closed_deceased", DECEASED),
    _quiet("livelihood.restored", RESTORED),
    # Exemption
    _told("exemption.opened", "exemption"),
    _told("exemption.coverage_confirmed", "exemption"),
    _told("exemption.coverage_refused"),
    _told("exemption.ground_confirmed"),
    _told("exemption.ground_refused"),
    _told("exemption.manual_check_requested"),
    _told("exemption.ground_check_resumed", "exemption"),
    _told("exemption.mother_choice_requested"),
    _told("exemption.mother_choice_recorded"),
    _told("exemption.reviewed"),
    _told("exemption.letter_issued", "exemption"),
    _told("exemption.refused"),
    _told("exemption.objection_registered"),
    _told("exemption.objection_accepted", "exemption"),
    _told("exemption.objection_rejected"),
    _told("exemption.delivered"),
    _told("exemption.letter_expired"),
    _told("exemption.letter_revoked", "exemption"),
    _told("exemption.letter_reissued", "exemption"),
    _told("exemption.letter_accepted"),
    _told("exemption.letter_rejected"),
    _told("exemption.temporarily_exempted"),
    _told("exemption.permanently_exempted"),
    _told("exemption.exemption_cancelled"),
    _quiet("exemption.withdrawn", WITHDRAWN),
    _quiet("exemption.closed_deceased", DECEASED),
    _quiet("exemption.restored", RESTORED, "exemption"),
    # Justice shares
    _told("shares.opened", "shares"),
    _told("shares.coverage_confirmed"),
    _told("shares.coverage_refused"),
    _told("shares.file_suspended"),
    _told("shares.file_resumed", "shares"),
    _told("shares.reviewed", "shares"),
    _told("shares.inquiry_answered"),
    _told("shares.contradiction_found"),
    _told("shares.corrected", "shares"),
    _told("shares.delivered"),
    _told("shares.refused"),
    _told("shares.objection_registered"),
    _told("shares.objection_accepted", "shares"),
    _told("shares.objection_rejected"),
    _quiet("shares.withdrawn", WITHDRAWN),
    _quiet("shares.closed_deceased", DECEASED),
    _quiet("shares.restored", RESTORED, "shares"),
    # Loans: the request
    _told("loans.registered", "loans"),
    _told("loans.social_work_started"),
    _told("loans.social_work_approved", "loans"),
    _told("loans.documents_requested"),
    _told("loans.documents_completed"),
    _told("loans.counselled"),
    _told("loans.plan_agreed", "loans"),
    _told("loans.plan_amended"),
    _told("loans.queued"),
    _told("loans.reclassified"),
    _told("loans.refused"),
    _told("loans.objection_registered"),
    _told("loans.objection_accepted", "loans"),
    _told("loans.objection_rejected"),
    _quiet("loans.withdrawn", WITHDRAWN),
    _quiet("loans.closed_deceased", DECEASED),
    _quiet("loans.restored", RESTORED, "loans"),
    # Loans: the bank
    _told("loans.referred_to_bank", "loans", facts=("due_on",)),
    _told("loans.referral_renewed", "loans", facts=("due_on",)),
    _told("loans.referral_expired"),
    _told("loans.bank_review_started"),
    _told("loans.guarantees_requested"),
    _told("loans.guarantee_recorded"),
    _told("loans.bank_approved"),
    _told("loans.bank_rejected"),
    _told("loans.disbursed", "loans", "livelihood"),
    _told("loans.partly_disbursed", "livelihood"),
    # Loans: the plan
    _told("loans.visit_planned", facts=("visit_on",)),
    _told("loans.visited"),
    _told("loans.execution_confirmed"),
    _told("loans.operation_confirmed"),
    _told("loans.business_sustained", "livelihood"),
    _told("loans.guided"),
    _told("loans.statistics_requested", facts=("due_on",)),
    _told("loans.statistics_reported"),
    _told("loans.warned", facts=("due_on",)),
    _told("loans.cured"),
    # Loans: recall, repayment, end
    _told("loans.recall_proposed", "livelihood", facts=("due_on",)),
    _told("loans.heard"),
    _told("loans.recall_dismissed"),
    _told("loans.recalled", "loans"),
    _told("loans.recall_objection_registered"),
    _told("loans.recall_upheld"),
    _told("loans.reinstated", "loans"),
    _told("loans.sent_to_court"),
    _told("loans.repayment_recorded"),
    _told("loans.instalment_missed"),
    _told("loans.instalment_reminded"),
    _told("loans.restructured"),
    _told("loans.settled", "loans"),
    _told("loans.closed"),
    _quiet("loans.borrower_died", "the office speaks with the bank and the heirs in person"),
    # Eligibility
    _told("eligibility.registered"),
    _told("eligibility.batch_selected", "eligibility"),
    _told("eligibility.forms_completed", "eligibility", facts=("due_on",)),
    _told("eligibility.inquiries_started", "eligibility"),
    _told("eligibility.inquiries_delayed"),
    _told("eligibility.inquiries_resumed", "eligibility"),
    _told("eligibility.assessed", "eligibility"),
    _told("eligibility.qualified", "eligibility"),
    _told("eligibility.not_qualified"),
    _told("eligibility.handed_over", "livelihood"),
    _told("eligibility.objection_registered", "eligibility"),
    _told("eligibility.inquired_again"),
    _told("eligibility.objection_accepted", "eligibility"),
    _told("eligibility.objection_partly_accepted", "eligibility"),
    _told("eligibility.objection_rejected", "eligibility"),
    _told("eligibility.requalified", "eligibility"),
    _quiet("eligibility.re_assessed", "told on change only (state 3.5)", "eligibility"),
    _quiet("eligibility.kept", "nothing has changed; what went before has been told"),
    _told("eligibility.revoked", "livelihood"),
    _told("eligibility.ended_by_law", "livelihood"),
    _told("eligibility.ended_deceased", "livelihood"),
    _quiet("eligibility.withdrawn", WITHDRAWN),
    _quiet("eligibility.closed_deceased", DECEASED),
    _quiet("eligibility.restored", RESTORED, "eligibility"),
]

TOPICS: dict[str, Topic] = {topic.name: topic for topic in _PAGE}
