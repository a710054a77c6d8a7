"""What a message says, how long it is, when it may go out, and what it must never say."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import NamedTuple, Self

from shared.values.calendar import TEHRAN, jalali_long, parse_period, period_bounds

SENDER = "سها: "
"""How every SMS begins, so that people know whose it is."""

_PLACE = re.compile(r"\{(\w+)\}")
_SENTENCE_END = re.compile(r"(?<=[.!؟]) +")
_FILE = re.compile(r"title: (.+)\nsms: (.+)\ninbox: (.+)\n")
_DIGIT = re.compile(r"[0-9۰-۹٠-٩]")

# GSM 03.38: these go as seven bits, the second row as two characters each.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Words:
    """The three texts of a topic, with placeholders or filled."""

    title: str
    sms: str
    inbox: str

    @classmethod
    def read(cls, file: str) -> Self:
        """From a template file. Raises ValueError("template") for another form."""
        found = _FILE.fullmatch(file)
        if found is None:
            raise ValueError("template")
        return cls(*found.groups())

    def filled(self, facts: Mapping[str, str]) -> "Words":
        """The same as a person reads it; `facts` as `readable` returns them."""
        sms = self.sms.removeprefix(SENDER)
        return Words(
            self.title,
            self.sms[: len(self.sms) - len(sms)] + _filled(sms, facts, instead=self.title),
            _filled(self.inbox, facts, instead=self.title),
        )


def readable(facts: Mapping[str, object]) -> dict[str, str]:
    """Facts of an event as people read them: days (`…_on`) and the `period` in Jalali words.

    What is empty, or is no day where one belongs, is as good as unknown.
    """
    found = {}
    for name, value in facts.items():
        if not isinstance(value, str) or not value.strip():
            continue
        if name == "period":
            if (month := _month(value)) is not None:
                found[name] = month
        elif not name.endswith("_on"):
            found[name] = value
        elif (day := _day(value)) is not None:
            found[name] = jalali_long(day)
    return found


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _month(value: str) -> str | None:
    try:
        first, _ = period_bounds(parse_period(value))
    except ValueError:
        return None
    return jalali_long(first).partition(" ")[2]


def _filled(text: str, facts: Mapping[str, str], *, instead: str) -> str:
    """Fill a text. A sentence is told up to its first clause (؛) whose fact nobody knows.

    What follows such a clause may lean on it, so it goes too; when nothing is left to say, the
    title says it.
    """
    told = []
    for sentence in _SENTENCE_END.split(text):
        clauses = sentence.split("؛")
        known = list(takewhile(lambda clause: places(clause) <= facts.keys(), clauses))
        if known:
            told.append("؛".join(known) + ("" if len(known) == len(clauses) else "."))
    whole = " ".join(told) or f"{instead}."
    # In one pass: a fact that itself looks like a placeholder stays what it is.
    return _PLACE.sub(lambda place: facts[place[1]], whole)


def places(text: str) -> set[str]:
    """The names of a text's placeholders."""
    return set(_PLACE.findall(text))


def segments(text: str) -> int:
    """How many parts an SMS costs: Persian 70 characters alone, 67 each in several (facts 2.8).

    A text in the GSM alphabet has 160, or 153 in each of several parts.
    """
    if set(text) <= _GSM | _GSM_ESCAPED:
        length = len(text) + sum(character in _GSM_ESCAPED for character in text)
        alone, joined = 160, 153
    else:
        length = len(text.encode("utf-16-le")) // 2
        alone, joined = 70, 67
    return 1 if length <= alone else -(-length // joined)


def allowed_from(now: datetime, *, opens: str, closes: str) -> datetime:
    """The first instant from `now` on at which an SMS may go out, by Tehran's clock (H60).

    `07:00` to `22:00`, the end excluded; `24:00` is midnight, and the hours may span it.
    """
    local, start, end = now.astimezone(TEHRAN), _minutes(opens), _minutes(closes)
    minute = local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else (minute >= start or minute < end)
    if inside:
        return now
    day = local.date() + timedelta(days=0 if minute < start else 1)
    opening = time(start // 60, start % 60)
    return datetime.combine(day, opening, tzinfo=TEHRAN).astimezone(UTC)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def mask_mobile(mobile: str) -> str:
    """`0912***4567`: enough for its owner to recognise."""
    return f"{mobile[:4]}***{mobile[-4:]}"


# What a lock screen may show (LV-10)


INSIDE_ONLY = {"status_label"}
"""Facts whose words nobody has read with a lock screen in mind."""


class Fault(NamedTuple):
    """What is wrong with a text: the field, a stable code, and a sentence in both languages."""

    field: str
    code: str
    fa: str
    en: str


_SAMPLE_DAY = "۳۰ اردیبهشت ۱۴۰۵"  # the longest month's name
SAMPLE = {
    "tracking_code": "SH-0000000000",
    "status_label": "در انتظار بازدید",
    "due_on": _SAMPLE_DAY,
    "visit_on": _SAMPLE_DAY,
    "start_on": _SAMPLE_DAY,
    "period": "اردیبهشت ۱۴۰۵",
    "office": "حوزهٔ ۳ شهر تهران",
    "place": "حوزهٔ ۳ شهر تهران، باجهٔ ۲",
    "phone": "۶۳۶۹",
}
"""One value for each placeholder, as long as they come: for previews and for the length."""


def faults(
    words: Words, facts: Collection[str], *, kept_inside: Collection[str], most_parts: int
) -> Iterator[Fault]:
    """Everything that speaks against these texts for a topic with these facts."""
    for field, text in (("title", words.title), ("sms", words.sms), ("inbox", words.inbox)):
        allowed = {"title": set[str](), "sms": {*facts} - INSIDE_ONLY, "inbox": {*facts}}[field]
        if not places(text) <= allowed or re.search(r"[{}]", _PLACE.sub("", text)):
            yield Fault(field, "placeholder_unknown", "جای‌نگهداری ناشناخته است",
                        "It has a placeholder that this topic does not know")  # fmt: skip
    if not words.sms.startswith(SENDER):
        yield Fault("sms", "sender_missing", f"پیامک باید با «{SENDER.strip()}» آغاز شود",
                    "A text message must begin with the sender's name")  # fmt: skip
    if "tracking_code" in facts and "tracking_code" not in places(words.sms):
        yield Fault("sms", "tracking_code_missing", "پیامک باید کد رهگیری داشته باشد",
                    "A text message must name the tracking code")  # fmt: skip
    for field, text in (("title", words.title), ("sms", words.sms)):
        if exposes(text, kept_inside):
            yield Fault(field, "kept_inside",
                        "عدد و واژه‌های مربوط به نیاز و پول تنها در کارتابل نوشته می‌شود",
                        "Figures and words of need or money belong in the inbox only")  # fmt: skip
    if not places(words.sms) - SAMPLE.keys() and segments(words.filled(SAMPLE).sms) > most_parts:
        yield Fault("sms", "too_many_parts", f"پیامک بیش از {most_parts} بخش می‌شود",
                    f"The text message needs more than {most_parts} parts")  # fmt: skip


def exposes(text: str, kept_inside: Collection[str]) -> bool:
    """Whether a text shows a figure or a word of need or money to whoever sees the screen.

    A word counts with all its endings, not inside another word; placeholders are not looked into.
    """
    shown = _PLACE.sub("", text)
    beginnings = "|".join(re.escape(word) for word in kept_inside)
    return bool(_DIGIT.search(shown)) or bool(
        beginnings and re.search(rf"(?<!\w)(?:{beginnings})", shown)
    )
