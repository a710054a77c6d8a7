"""The first page."""

from services.gateway.pages.html import Answer, page

_LINKS = (
    ("/docs", "مستندات", "همهٔ عملیات، با نمونه و امکان آزمودن"),
    ("/openapi.json", "سند OpenAPI", "یک سند برای همهٔ خدمات"),
    ("/v1/services", "فهرست خدمات", "شناسنامهٔ هر خدمت، بدون ورود"),
    ("/problems", "پاسخ‌های منفی", "معنای هر کد خطا"),
    ("/readyz", "آمادگی سامانه", "کدام خدمت آماده است"),
)


def home() -> Answer:
    """Answer a short page with the links that a newcomer needs."""
    rows = "".join(
        f"<tr><td><a href={path}>{name}</a><td>{what}<td><code>{path}</code>"
        for path, name, what in _LINKS
    )
    return page(
        "سها",
        "<h1>سها</h1><p>یک در برای پنج خدمت: کمک معیشت، استحقاق‌سنجی، معافیت کفالت، سهام عدالت و"
        " تسهیلات اشتغال. هر درخواست یک کد پیگیری دارد که در همهٔ خدمات همان است.</p>"
        f"<table>{rows}</table>"
        "<p class=en lang=en>SOHA: one API for the five services of a national welfare agency.</p>",
    )
