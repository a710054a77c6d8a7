"""What strangers send: about two hundred values and what may become of each as free text."""

import json
from dataclasses import dataclass
from typing import Any, Final

BROKEN: Final = object()  # no parser should make anything of it
ARABIC_ALI, PERSIAN_ALI = "علي كاظمي كنعانی", "علی کاظمی کنعانی"


@dataclass(frozen=True, slots=True)
class Vector:
    """One value as JSON bytes; `value` is what it means, `text` what free text makes of it."""

    kind: str
    raw: bytes
    value: Any = BROKEN
    text: str | None = None


def _json(kind: str, value: Any, text: str | None = None) -> Vector:
    if isinstance(value, str) and value.isascii() and value.isprintable() and value.strip():
        text = " ".join(value.split())
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Vector(kind, raw, value, text)


def _text(raw: str, canonical: str | None) -> Vector:
    return _json("text", raw, canonical)


# No JSON, or JSON that two parsers read differently.
_SYNTAX = [
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"01", b"+1", b".5", b"1.", b"0x10"),
    *(b"9" * 5000, b"'single'", b"undefined", b"True", b"[1,]", b'{"a":1,}', b"/*c*/1", b","),
    *(b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'[{"b":0,"b":0}]', b'"\\x41"', b'"\\u12"', b'"'),
    *(b'"\x00"', b'"\x01"', b'"\n"', b'"\xff"', b'"\xc0\x80"', b'"\xe2\x82"', b'"\xed\xa0\x80"'),
    *(b'"\xf5\x80\x80\x80"', b'"a\\u0000b"', b'"\\u0000"', b'"\\ud800"', b'"x\\udfff"'),
    *(b'"\\ude00\\ud83d"', b'{"\\ud800":1}'),
    *(b"[" * 25 + b"]" * 25, b'{"a":' * 25 + b"0" + b"}" * 25),
    *(b"[" * 200_000, b"[" + b"0," * 10_001 + b"0]"),
]  # fmt: skip
SYNTAX = [Vector("syntax", raw) for raw in _SYNTAX]

# Characters that nobody sees, or that turn what stands around them.
_UNSEEN = (
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff\u200b\u2060"
    "\u00ad\u2028\u2029\u0085\u0007\u001b\u007f\u009f\ue000\U000f0000\u0378\ufdd0\uffff\U000e0041"
)
UNSEEN = [_text(f"canary{char}متن", None) for char in _UNSEEN]
LINES = [
    _text(text, None)
    for text in (
        *("canary\r\nlevel: error", "canary\nSet-Cookie: a=b", "canary\tx"),
        *("canary\x0b", "canary\n"),
        *("", " ", "   ", "\u00a0", "\u3000\u2003", "\u200c", "\u200c\u200c"),
    )
]  # fmt: skip
PERSIAN = [
    _text(ARABIC_ALI, PERSIAN_ALI),
    _text("مصطفى‌ها canary", "مصطفی‌ها canary"),
    _text("می‌خواهم canary", "می‌خواهم canary"),
    _text("\u200cسلام canary", "سلام canary"),
    _text("سلام canary\u200c", "سلام canary"),
    _text("می\u200c\u200cروم canary", "می\u200cروم canary"),
    _text("سلام \u200c canary", "سلام canary"),
    _text("ســــــلام canary", "سـلام canary"),
    _text("caf\u0065\u0301 canary", "caf\u00e9 canary"),
    _text("canary\u00a0\u2003متن", "canary متن"),
    _text("کد ۱۲۳ و ١٢٣ canary", "کد ۱۲۳ و ١٢٣ canary"),
    _text("مُحَمَّد canary", "مُحَمَّد canary"),
    _text("خانوار 🏠 canary", "خانوار 🏠 canary"),
    _text("漢字 canary", "漢字 canary"),
    _text("ﷲ canary", "ﷲ canary"),
    _text("１２３ canary", "１２３ canary"),
    _text("canary" + "\u0301" * 1000, None),
    _text("canaryا" + "\u064b" * 40, None),
]
LONG = [
    _json("long", "z" * 5_000),
    _json("long", "canary " * 9_000),
    _text("ی" * 30_000, "ی" * 30_000),
]
INJECTION = [
    _json("injection", text)
    for text in (
        *("' OR '1'='1", "'; DROP TABLE intake.application; --", "1; SELECT pg_sleep(9)--"),
        *("%canary%", "_canary_", "100%", "\\", '"canary', "canary\\u202e", "%00canary", "%s%n%x"),
        *("{{7*7}}canary", "${jndi:ldap://127.0.0.1:1/a}"),
        *("{tracking_code.__class__}", "$(canary)"),
        *("<script>canary(1)</script>", "<!ENTITY canary SYSTEM 'file:///etc/passwd'>"),
        *("=cmd|' /C'!A0",),
        *("../../../etc/passwd", "..\\..\\canary"),
        *("http://127.0.0.1:1/canary", "file:///etc/passwd"),
        *("__proto__", "constructor", "null", "None"),
        *("true", "undefined", "id,status", "created_at"),
    )
]  # fmt: skip
NUMBERS = [
    _json("number", value)
    for value in (
        *(0, 1, -1, 2, 99, 10**6, 10**15),
        *(10**15 + 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1),
        *(10**39, 1.0, 1.5, 35.5, 1e3, -0.0, 1e-300, 1.7976931348623157e308, True, False),
        *("0", "1", "1_000", "1e3", "0x10", " 1", "1 ", "+1", "1.0", "-1", "NaN", "Infinity"),
    )
] + [_text("١٢", "١٢"), _text("１２", "１２")]  # fmt: skip
SHAPES = [
    _json("shape", value)
    for value in (
        *(None, [], {}, [[]], [None]),
        *([{}], ["canary-in-a-list"], [1, "canary", None], [[["canary"]]]),
        *({"canary": 1}, {"$ne": None}, {"__proto__": {"admin": True}}, {"": ""}, {"a" * 300: 1}),
        *({"id": "canary-in-an-object", "status": "active", "version": 9}, {"0": "canary"}),
    )
]  # fmt: skip
IDENTIFIERS = [
    _json("identifier", text)
    for text in (
        *("0499370890", "1111111111", "0000000000", "49937089", "499370899", "04993708990"),
        *("0499370899\n", " 0499370899", "0499-370-899", "0499370899\u0000"[:10] + "x"),
        *("IR280170000000301000000138", "IR28 0170 0000 0030 1000 0001 37"),
        *("ir280170000000301000000137",),
        *("IR00017000000030100000013", "DE89370400440532013000", "IR2801700000003010000001370"),
        *("09121234567", "+989121234567", "00989121234567"),
        *("9121234567", "0912999345", "02112345678"),
        *("09121234567\n", "0912 123 4567", "SH-0000000000"),
        *("sh-oooooooooo", "SH-0000000001", "SH-"),
        *("72010001", "C-1", "office", "counter", "T-1; --", "1405-08", "1405-13", "1299-01"),
        *("00000000-0000-0000-0000-000000000000", "0199a0c0-7b1e-7c3d-8f00-0123456789ab"),
        *("0199A0C0-7B1E-7C3D-8F00-0123456789AB", "{0199a0c0-7b1e-7c3d-8f00-0123456789ab}"),
        *("0199a0c0-7b1e-7c3d-8f00-0123456789zz", "0199a0c07b1e7c3d8f000123456789ab"),
        *("10380284790", "10380284791", "19072703102"),
    )
] + [
    _text("٠", "٠"),
    _text("۰۴۹۹۳۷۰۸۹۹", "۰۴۹۹۳۷۰۸۹۹"),
    _text("٠٤٩٩٣٧٠٨٩٩", "٠٤٩٩٣٧٠٨٩٩"),
    _text("۰۹۱۲۱۲۳۴۵۶۷", "۰۹۱۲۱۲۳۴۵۶۷"),
    _text("IR۲۸۰۱۷۰۰۰۰۰۰۰۳۰۱۰۰۰۰۰۰۱۳۷", "IR۲۸۰۱۷۰۰۰۰۰۰۰۳۰۱۰۰۰۰۰۰۱۳۷"),
    _text("۱۳۱۱۶۷۵۳۱۹", "۱۳۱۱۶۷۵۳۱۹"),
]  # fmt: skip
DATES = [
    _json("date", text)
    for text in (
        *("1407-12-30", "1404-12-30", "1403-12-30", "1403/12/30", "2025-13-01", "2025-00-10"),
        *("0000-01-01", "9999-12-31", "2299-12-31", "1799-12-31", "2026-02-29", "2028-02-29"),
        *("2026-2-9", "20261122", "2026-W01-1", "2026-11-22T00:00:00", "2026-11-22\n", "today"),
        *("2026-11-22", "1981-03-02", "2026-11-22T08:00:00Z", "2026-11-22T08:00:00+03:30"),
        *("2026-11-22T08:00:00+25:00", "2026-11-22T24:00:00Z", "2026-11-22T08:00:60Z", "now"),
        *("0001-01-01T00:00:00+14:00", "2299-12-31T23:59:59Z", "2026-11-22 08:00:00Z"),
    )
] + [_text("۲۰۲۶-۱۱-۲۲", "۲۰۲۶-۱۱-۲۲"), _json("date", 20261122)]  # fmt: skip

VECTORS: Final = [
    *SYNTAX, *UNSEEN, *LINES, *PERSIAN, *LONG, *INJECTION, *NUMBERS, *SHAPES, *IDENTIFIERS, *DATES,
]  # fmt: skip
STRINGS: Final = [vector for vector in VECTORS if isinstance(vector.value, str)]

# Raw bytes of a path segment or of a query value, beside the strings percent-encoded.
RAW_SEGMENTS: Final = (
    b"%00", b"a%00b", b"%ff", b"%c0%80", b"%ed%a0%80", b"%e2%80%aecanary", b"%0d%0aX:canary", b"%",
    b"%zz", b"%2e%2e", b"%2f..%2f", b"a%2fb", b"..;canary", b"%255c", b"\xe2\x80\xae", b"\xff",
    b"canary" * 2000, b"%25%30%30", b"SH-0000000000%20", b"SH-0000000000%0a", b"~canary", b"*",
)  # fmt: skip
# What may stand in a header, as bytes.
HEADERS: Final = (
    b"", b" ", b"\x00", b"canary\x00",
    b"canary\r\nX-Injected: 1", b"canary\nx", b"\x7f", b"\x1bcanary",
    "کلید-canary".encode(), b"\xff\xfe", b"\xc0\x80", b"canary canary", b"\tcanary", b"z" * 256,
    b"z" * 40_000, b"a" * 255, b"'; DROP TABLE idempotency; --", b"{{7*7}}canary",
    b"%00", b"0", b"-1",
    b"*", b"**", b'"1"', b'W/"1"', b'"1", "2"',
    b'"canary"', b"1", b'"-1"', b'"1e3"', b'"99999999999"',
    b'"000000001"', b'"9223372036854775808"', b'""', b'"', b"'1'",
    b'"1"x', b"null", b"true", b"NaN",
    *(b"canary" + bytes([number]) for number in (*range(1, 9), 11, 12, *range(14, 27), 28, 29)),
    b"../../etc/passwd", b"${jndi:ldap://127.0.0.1:1/a}", b"<script>canary</script>",
    b"%s%n", b"\\",
)  # fmt: skip
FILENAMES: Final = (
    b"../../../etc/passwd", b"..\\..\\canary.png", b"canary\x00.png",
    b"canary.png\r\nX: 1", b"", b".",
    b"CON", b"a" * 5000, "کارت‌ملی-canary.png".encode(),
    b"\xff\xfe.png", b"canary.png.exe", b"/abs.png",
    b"canary;drop.png", b'can"ary.png', b"%00canary.png",
    b"=cmd.csv", b"<script>.svg", b"~/.ssh/id",
    *(f"canary{char}.png".encode() for char in _UNSEEN),
)  # fmt: skip


def whole_bodies(body: bytes) -> list[tuple[str, bytes, list[tuple[bytes, bytes]]]]:
    """A good body made bad as a whole: its name, bytes and headers."""
    json_type = (b"content-type", b"application/json")
    text = body.decode()
    return [
        ("BOM", b"\xef\xbb\xbf" + body, [json_type]),
        ("UTF-16", text.encode("utf-16"), [json_type]),
        ("UTF-16-LE", text.encode("utf-16-le"), [json_type]),
        ("UTF-32", text.encode("utf-32"), [json_type]),
        ("trailing garbage", body + b"canary", [json_type]),
        ("two documents", body + body, [json_type]),
        ("trailing NUL", body + b"\x00", [json_type]),
        ("cut", body[:-1], [json_type]),
        ("empty", b" ", [json_type]),
        ("a list", b"[" + body + b"]", [json_type]),
        ("a string", json.dumps(text).encode(), [json_type]),
        ("null", b"null", [json_type]),
        ("deep", b"[" * 1000 + b"]" * 1000, [json_type]),
        ("bottomless", b'{"a":' * 100_000, [json_type]),
        ("10,001 nodes", b"[" + b"0," * 10_001 + b"0]", [json_type]),
        ("duplicate", body.rstrip()[:-1] + b',"canary":1,"canary":2}', [json_type]),
        ("a property more", body.rstrip()[:-1] + b',"canary_property":1}', [json_type]),
        ("__proto__", body.rstrip()[:-1] + b',"__proto__":{"canary":1}}', [json_type]),
        ("2 MiB", body + b" " * (2 << 20), [json_type]),
        ("text/plain", body, [(b"content-type", b"text/plain")]),
        ("no type", body, []),
        ("XML", b"<canary/>", [(b"content-type", b"application/xml")]),
        ("form", b"canary=1", [(b"content-type", b"application/x-www-form-urlencoded")]),
        ("latin-1", body, [(b"content-type", b"application/json; charset=latin-1")]),
        ("gzip", body, [json_type, (b"content-encoding", b"gzip")]),
    ]
