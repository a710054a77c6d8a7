"""Refusals that only notify makes, and the fault of a text that is not there."""

from shared.web.errors import Refusal


class TemplateFromThePast(Refusal):
    status, code = 409, "template_from_the_past"
    fa = "متن تازه باید از امروز یا پس از آن و پس از آغاز متن پیشین آغاز شود"
    en = "A new version begins today or later, and after the one before it"


class TemplateMissing(RuntimeError):
    """No text is in force for a topic on that day: the event waits until there is one."""

    code = "template_missing"
