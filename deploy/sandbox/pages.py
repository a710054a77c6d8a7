"""The pages for people: what the sandbox is, and the login. No asset comes from elsewhere."""

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Final

from deploy.sandbox.records import Party

MODES: Final = {
    "ok": "سالم",
    "error": "خطا",
    "timeout": "بی‌پاسخ، پذیرفته نشده",
    "accepted_then_timeout": "پذیرفته، سپس بی‌پاسخ",
    "slow": "کُند",
}

_PAGE: Final = Template("""<!doctype html>
<html lang="fa" dir="rtl"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>$title</title>
<style>
body{font:16px/1.9 Vazirmatn,Tahoma,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;
color:#1c2b2b;background:#fafaf7}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;text-align:right;vertical-align:top}
button,select,input{font:inherit;padding:.2rem .7rem}.people button{display:block;width:100%;
margin:.3rem 0;text-align:right;background:#fff;border:1px solid #bbb;border-radius:.4rem}
[dir=ltr]{unicode-bidi:isolate}.ill{color:#a40000}
</style></head><body>$body</body></html>""")

_SWITCH: Final = """<script>
for (const select of document.querySelectorAll("select")) select.onchange = async () => {
  const body = JSON.stringify({mode: select.value});
  const headers = {"Content-Type": "application/json"};
  await fetch("/faults/" + select.name, {method: "PUT", headers, body});
  location.reload();
};
</script>"""


def front(messages: list[dict[str, str]], faults: Mapping[Party, str], now: str) -> str:
    """The recent messages (newest first) and the switches."""
    sent = "".join(
        f'<tr><td dir="ltr">{escape(m["at"][:19])}</td><td dir="ltr">{escape(m["mobile"])}</td>'
        f'<td>{escape(m["text"])}</td><td dir="ltr">{escape(m["provider"])}</td></tr>'
        for m in messages
    )
    sent = sent or '<tr><td colspan="4">هنوز پیامکی فرستاده نشده است.</td></tr>'
    switches = "".join(_switch(party, mode) for party, mode in faults.items())
    body = f"""<h1>جهان بیرون سها (شبیه‌ساز)</h1>
<p>این صفحه جای همه‌ی طرف‌های بیرونی را می‌گیرد: ثبت احوال، شاهکار، بانک مرکزی، پیامک و ورود.
داده‌ها ساختگی‌اند و این برنامه هرگز در محیط عملیاتی اجرا نمی‌شود.</p>
<p>زمان کاری: <span dir="ltr">{escape(now)}</span></p>
<h2>آخرین پیامک‌ها</h2>
<table><tr><th>زمان</th><th>شماره</th><th>متن</th><th>فرستنده</th></tr>{sent}</table>
<h2>کلیدهای خرابی</h2>
<table><tr><th>طرف</th><th>حال</th></tr>{switches}</table>{_SWITCH}"""
    return _PAGE.substitute(title="شبیه‌ساز سها", body=body)


def _switch(party: str, mode: str) -> str:
    choices = "".join(
        f'<option value="{value}"{" selected" if value == mode else ""}>{label}</option>'
        for value, label in MODES.items()
    )
    ill = "" if mode == "ok" else ' class="ill"'
    return (
        f'<tr><td dir="ltr"{ill}>{party}</td><td><select name="{party}" aria-label="{party}">'
        f"{choices}</select></td></tr>"
    )


def login(asked: dict[str, str], people: list[tuple[str, str]]) -> str:
    """Who do you want to be? `people` are national code and name."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    buttons = "".join(
        f'<button name="national_code" value="{escape(code)}">{escape(name)} '
        f'<span dir="ltr">{escape(code)}</span></button>'
        for code, name in people[:200]
    )
    body = f"""<h1>ورود آزمایشی</h1>
<p>این صفحه جای پنجره‌ی ملی خدمات را می‌گیرد. یکی را برگزینید تا به جای او وارد شوید.</p>
<form method="post" action="/oauth2/authorize" class="people">{hidden}{buttons}</form>
<form method="post" action="/oauth2/authorize">{hidden}
<h2><label for="code">یا کد ملی هر کس دیگر</label></h2>
<input id="code" name="national_code" inputmode="numeric" pattern="[0-9]{{10}}" required dir="ltr">
<button>ورود</button></form>"""
    return _PAGE.substitute(title="ورود آزمایشی سها", body=body)


def refused_login() -> str:
    body = """<h1>این درخواست ورود پذیرفته نیست</h1>
<p>برنامه ثبت نشده است، یا نشانی بازگشت روی همین رایانه نیست.</p>"""
    return _PAGE.substitute(title="ورود پذیرفته نشد", body=body)
