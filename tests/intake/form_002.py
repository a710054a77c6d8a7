"""What the form of document 002 prints, field by field: values, and a line they were read from."""

EMDAD = "کمیته امداد امام خمینی (ره)"


def ticked(line, glyph="U+F0A2"):
    return {"mark": "ticked", "glyph": glyph, "line": line}


def unticked(line, glyph="U+F0A3"):
    return {"mark": "unticked", "glyph": glyph, "line": line}


def lost(line):
    return {"mark": "unknown", "glyph": None, "line": line}


def request_media(electronic, at, other_text):
    web, mail, phone, counter, like, other = map(lost, at)
    return {
        "electronic": electronic,
        "internet": web,
        "mobile_app": web,
        "email": mail,
        "post": mail,
        "sms": phone,
        "ivr_callcentre": phone,
        "counter": counter,
        "counter_contract_number": None,
        "counter_like": like,
        "other": other,
        "other_text": other_text,
    }


def in_person(non_electronic, reasons, places):
    names = ("person_identity", "document_authenticity", "no_infrastructure", "other")
    return {
        "non_electronic": non_electronic,
        **dict(zip(names, reasons, strict=True)),
        "other_text": None,
        **dict(zip(("national", "provincial", "county"), places, strict=True)),
    }


def agency_link(online, batch, by_agency, by_visitor):
    blank = dict.fromkeys(("agency_name", "system_name", "exchanged", "amount_rial"))
    return {
        **blank,
        "online": online,
        "batch": batch,
        "by_agency": by_agency,
        "by_visitor": by_visitor,
    }


def system_link(online, batch):
    blank = dict.fromkeys(("system_name", "exchanged", "non_electronic"))
    return {**blank, "online": online, "batch": batch}


SUPPORT = "ارائه حمایتهای اجتماعی به مددجویان"
EVENTS_42 = ("birth", "education", "health", "tax", "business", "ownership_registration")
EVENTS_44 = (
    "urban_utilities",
    "insurance",
    "marriage",
    "retirement",
    "documents_and_certificates",
    "death",
    "other",
)
PRODUCTION = {
    "electronic": lost(184),
    "internet": lost(187),
    "intranet_erp": lost(187),
    "email": lost(188),
    "other": lost(188),
    "other_text": None,
    "non_electronic": lost(190),
    "visit_reason": None,
}

# Number of the field: its values, and one printed line (number, text) that they were read from.
FORM = {
    "F01": (
        {"form_title": "فرم شناسنامه خدمت دستگاه اجرایی", "form_version": None},
        (1, "فرم شناسنامه خدمت دستگاه اجرایی"),
    ),
    "F02": (
        {"title": SUPPORT},
        (2, "زیر خدمت)ارایه -ارائه حمایتهای اجتماعی به مددجویان :عنوان خدمت -1"),
    ),
    "F03": (
        {"sub_title": "ارایه خدمات سهام عدالت به مددجویان تحت پوشش", "parent_id": None},
        (4, "خدمات سهام عدالت به مددجویان تحت پوشش("),
    ),
    "F04": ({"service_id": "19072703102"}, (5, "19072703102 شناسه خدمت -2")),
    "F05": ({"agency": EMDAD}, (12, "کمیته امدادامام خمینی )ره(  نام دستگاه اجرایی:")),
    "F06": (
        {"parent_agency": f"نهاد {EMDAD}"},
        (14, "نهاد کمیته امدادامام خمینی )ره( نام دستگاه مادر:"),
    ),
    "F07": ({"description": SUPPORT}, (23, "مددجویانارائه حمایتهای اجتماعی به  شرح خدمت")),
    "F08": (
        {"service_types": {"g2c": ticked(27), "g2b": lost(28), "g2g": lost(30)}},
        (27, "\uf0a2خدمت به شهروندان (G2C)"),
    ),
    "F09": ({"audience": "مددجویان تحت پوشش"}, (36, "مددجویان تحت پوشش")),
    "F10": (
        {"nature": {"sovereign": lost(38), "executive": ticked(38, "U+F06E")}},
        (38, "تصدی گری    \uf06e حاکمیتی     ماهیت خدمت"),
    ),
    "F11": (
        {
            "level": {
                "national": lost(40),
                "regional": lost(40),
                "provincial": ticked(40, "U+F06E"),
                "urban": unticked(40),
                "rural": unticked(40),
            }
        },
        (
            40,
            "روستایی    \uf0a3 شهری    \uf0a3 استانی    \uf06e منطقه ای     ملی     سطح خدمت",
        ),
    ),
    "F12": (
        {
            "life_events": {
                **{event: lost(42) for event in EVENTS_42},
                "social_security": ticked(42),
                **{event: lost(44) for event in EVENTS_44},
            }
        },
        (
            44,
            "سایر   وفات   هامدارک و گواهینامه    بازنشستگی    ازدواج    بیمه    تاسیسات شهری",
        ),
    ),
    "F13": (
        {
            "starts_by": {
                "recipient_request": ticked(46),
                "time_arrives": lost(46),
                "event_occurs": lost(46),
                "agency_finding": lost(48),
                "other": unticked(48),
                "other_text": None,
            }
        },
        (48, "\uf0a3 سایر:  ...     تشخیص دستگاه"),
    ),
    "F14": (
        {"required_documents": ["تحت حمایت بودن مددجو و جاری بودن پرونده"]},
        (50, "جاری بودن پرونده تحت حمایت بودن مددجو و -1 مدارک لازم برای انجام خدمت"),
    ),
    "F15": (
        {"upstream_rules": ["دستورالعمل‌های ارسالی از مرکز"]},
        (52, "دستورالعمل های ارسالی از مرکز بالادستیقوانین و مقررات"),
    ),
    "F16": (
        {
            "recipients_statistic": {
                "count": None,
                "month": lost(59),
                "season": unticked(59),
                "year": lost(59),
            }
        },
        (
            59,
            (
                "سال          فصل                 \uf0a3 درماه    ............"
                "                    تعداد خدمت گیرندگان آمار"
            ),
        ),
    ),
    "F17": (
        {"average_duration": {"text": "یک ماه", "jalali_months": 1, "working_days": None}},
        (60, "یک ماه خدمت: ارایه زمان مدتمتوسط"),
    ),
    "F18": (
        {
            "frequency": {
                "once_for_ever": lost(62),
                "times": None,
                "month": unticked(62),
                "season": unticked(62),
                "year": ticked(62),
            }
        },
        (
            62,
            (
                "سال\uf0a2فصل           \uf0a3ماه   \uf0a3     یکبار برای همیشه           در:"
                "      تواتر"
            ),
        ),
    ),
    "F19": ({"in_person_visits": None}, (64, "حضوری بار مراجعه تعداد")),
    "F20": (
        {"costs": [{"amount_rial": 0, "account": None, "electronic": None}]},
        (71, "0"),
    ),
    "F21": (
        {"web_address": "https://soha.emdad.ir/"},
        (
            81,
            (
                "/https://soha.emdad.irس دقیق و مستقیم خدمت در وبگاه"
                " در صورت الکترونیکی بودن همه یا بخشی از آنآدر"
            ),
        ),
    ),
    "F22": (
        {"system_name": "سامانه امداد هوشمند"},
        (
            84,
            (
                "سامانه امداد هوشمند مربوط به خدمت"
                " در صورت الکترونیکی بودن همه یا بخشی از آن:نام سامانه"
            ),
        ),
    ),
    "F23": (
        {
            "stage_table": {
                "stage": "مراحل خدمت",
                "kind": "نوع ارائه",
                "medium": "رسانه ارتباطی خدمت",
            }
        },
        (86, "رسانه ارتباطی خدمت نوع ارائه مراحل خدمت"),
    ),
    "F24": (
        {
            "information_media": {
                "electronic": ticked(92),
                "internet": lost(95),
                "mobile_app": lost(95),
                "email": lost(96),
                "post": lost(96),
                "sms": ticked(97),
                "ivr_callcentre": lost(97),
                "other": lost(98),
                "other_text": None,
            }
        },
        (97, "پیام کوتاه\uf0a2           تلفن گویا یا مرکز تماس"),
    ),
    "F25": (
        {
            "information_in_person": in_person(
                ticked(100),
                [unticked(114, "U+F02A"), ticked(115), lost(116), lost(117)],
                [lost(120), lost(121), lost(122)],
            )
        },
        (115, "\uf0a2 جهت احراز اصالت مدرک"),
    ),
    "F26": ({"stray_text": "2"}, (132, "2")),
    "F27": (
        {
            "request_media": request_media(
                lost(141), (144, 145, 146, 147, 150, 151), other_text="کافی‌نت"
            )
        },
        (151, "کافی نت سایر)باذکرنحوه دسترسی("),
    ),
    "F28": (
        {
            "request_in_person": in_person(
                lost(153),
                [lost(164), lost(165), lost(166), lost(167)],
                [lost(170), lost(171), lost(172)],
            )
        },
        (166, "نبود زیرساخت ارتباطی مناسب"),
    ),
    "F29": (
        {"production": PRODUCTION},
        (
            187,
            (
                "(ERP اینترنتی )مانند درگاه دستگاه("
                "           اینترانتی )مانند اینترانت داخلی دستگاه یا"
            ),
        ),
    ),
    "F30": (
        {
            "delivery": {
                "media": request_media(unticked(209), (212, 213, 214, 215, 218, 219), None),
                "in_person": in_person(
                    lost(221),
                    [lost(232), lost(233), lost(234), lost(235)],
                    [unticked(239), lost(240), lost(241)],
                ),
                "electronic_address": None,
            }
        },
        (237, "آدرس الکترونیکی مراجعه به"),
    ),
    "F31": (
        {
            "system_links": [
                system_link({"mark": "unknown", "glyph": "U+F0BE", "line": 297}, unticked(297)),
                system_link(unticked(299), unticked(299)),
            ]
        },
        (299, "\uf0a3 \uf0a3"),
    ),
    "F32": (
        {
            "agency_links": [
                agency_link(lost(351), lost(351), lost(354), lost(355)),
                agency_link(lost(357), unticked(357), lost(357), lost(358)),
            ]
        },
        (357, "\uf0a3      دستگاه"),
    ),
    "F33": (
        {
            "processes": [
                "تحت پوشش بودن و پرونده فعال داشتن",
                "بررسی توسط مددکار",
                "ارائه خدمت",
            ]
        },
        (373, "بررسی توسط مددکار -2"),
    ),
}
