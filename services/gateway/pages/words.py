"""What the merged document says in words: its introduction, its parts, and the roles in Persian."""

ABOUT = """\
<div dir="rtl">

یک در برای همهٔ خدمات سازمان: ثبت درخواست، پیگیری، رسیدگی، پرداخت و پیام. هر درخواست یک **کد پیگیری**
دارد که در همهٔ خدمات همان است.

- **توکن:** هر فراخوان به جز آنچه «عمومی» است `Authorization: Bearer …` می‌خواهد.
- **تکرار بی‌خطر:** هر POST که چیزی می‌سازد یا جابه‌جا می‌کند `Idempotency-Key` می‌گیرد؛ با همان کلید
  و همان بدنه، همان پاسخ نخست می‌آید.
- **نسخه:** پاسخ‌ها `ETag` دارند؛ آن را در `If-Match` بفرستید تا تغییر هم‌زمان دیگران رونویسی نشود.
- **پاسخ منفی:** `application/problem+json` با `code` پایدار و متن فارسی؛ همه در
  [فهرست پاسخ‌های منفی](/problems) با علت و چاره.
- **مقدارها:** مبلغ به ریال و عدد صحیح، زمان UTC، تاریخ میلادی کنار متن شمسی، دوره ماه شمسی.

</div>

One door to all services of the agency. Every call but the public ones takes a bearer token; every
POST that creates or moves something takes an `Idempotency-Key`; answers carry an `ETag` for
`If-Match`; [refusals](/problems) have a stable `code`, in Persian unless `Accept-Language: en`.
"""

WHERE_TOKENS_COME_FROM = """\
<div dir="rtl">

توکن OIDC سازمان؛ در اجرای نمایشی (`make run`) برای هر نقش یکی در `.run/tokens.json` هست.

</div>

An access token of the issuer. In the embedded default there is one per role in `.run/tokens.json`,
and the sandbox makes others: `POST {issuer}/tokens` with `{"sub": "…", "roles": ["counter"], …}`.
"""

TAGS = {
    "catalogue": "فهرست خدمت‌ها، شناسنامه و بیانیهٔ هر خدمت، استان‌ها و اداره‌ها",
    "applications": "درخواست: ثبت، تکمیل، پیگیری، مراجعه و انصراف",
    "documents": "مدارک درخواست: فرستادن، فهرست و دریافت",
    "people": "اشخاص: یافتن با کد ملی، دیدن، و تعیین تکلیف مغایرت‌ها",
    "households and coverage": "خانوار و اعضای آن، و پوشش حمایتی",
    "life events": "رویدادهای زندگی: فوت، ازدواج، تولد، جابه‌جایی و مانند آن",
    "worklist": "کارهایی که در انتظار کارمند است: برداشتن، واگذاشتن، سپردن",
    "counters": "دفترهای پیشخوان و قراردادهای آن‌ها",
    "intake": "پذیرش: آنچه بخش دیگری ندارد",
    "livelihood": "کمک معیشت: پذیرش خانوار، نوبت‌ها و مستمری‌ها",
    "eligibility": "استحقاق‌سنجی: تصمیم‌ها، اعتراض، گواهی، و پاسخ به دستگاه‌های دیگر",
    "exemption": "معافیت کفالت: احراز شرایط و معرفی‌نامهٔ نظام وظیفه",
    "shares": "سهام عدالت: ثبت، اصلاح و پیگیری",
    "loans": "تسهیلات اشتغال: مشاوره، طرح، معرفی به بانک، نظارت و وصول",
    "inbox": "کارتابل شهروند: پیام‌ها و خواندن آن‌ها",
    "notifications": "سرنوشت پیامک‌ها",
    "templates": "متن پیام‌ها و نسخه‌های آن‌ها",
    "notify": "پیام‌ها: آنچه بخش دیگری ندارد",
}

ROLES = {
    "citizen": "شهروند",
    "counter": "دفتر پیشخوان",
    "intake_officer": "کارشناس پذیرش",
    "social_worker": "مددکار",
    "approver": "رئیس اداره",
    "job_counsellor": "مشاور شغلی",
    "employment_expert": "کارشناس اشتغال",
    "finance_preparer": "تنظیم‌کنندهٔ مالی",
    "finance_approver": "تأییدکنندهٔ مالی",
    "finance_sender": "فرستندهٔ پرداخت",
    "reviewer": "بازبین",
    "ministry": "وزارتخانه",
    "bank": "بانک",
    "conscription": "نظام وظیفه",
    "inspector": "بازرس",
    "auditor": "حسابرس",
    "operator": "راهبر سامانه",
    "system": "خود سامانه",
}

HEADERS = {
    "Idempotency-Key": "کلید تکرار بی‌خطر، ۱ تا ۲۵۵ نویسهٔ ASCII؛ یک UUID خوب است\n\n"
    "Makes a retry safe: the same key and body bring the first answer again. A UUID is good.",
    "If-Match": 'نسخه‌ای که خوانده‌اید، همان `ETag`\n\nThe version you read, like `"7"`.',
    "Accept-Language": "زبان پاسخ‌های منفی\n\nThe language of refusals: `fa` or `en`.",
    "ETag": "نسخهٔ این پاسخ، برای `If-Match`\n\nThe version of this answer.",
    "Location": "نشانی آنچه ساخته شد\n\nWhere to read what was made.",
    "Idempotency-Replayed": "`true` اگر پاسخ نخست دوباره آمده\n\nThe first answer came again.",
    "Retry-After": "ثانیه تا تلاش دوباره\n\nSeconds to wait before the next try.",
}
