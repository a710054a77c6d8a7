"""Money is a whole number of Rials; Toman is only ever a text (X-02, decision 8)."""

from typing import Annotated

from persiantools.digits import en_to_fa, to_word
from pydantic import Field

MOST_RIAL = 10**15
_TRILLION = 10**12

Rial = Annotated[int, Field(strict=True, gt=0, le=MOST_RIAL, examples=[15_000_000])]
RialOrZero = Annotated[int, Field(strict=True, ge=0, le=MOST_RIAL, examples=[0])]


def toman_text(rial: int) -> str:
    """`۱٬۵۰۰٬۰۰۰ تومان` for 15,000,000 Rials; an odd Rial is a decimal. ValueError below zero."""
    whole, odd = divmod(_amount(rial), 10)
    text = f"{whole:,}".replace(",", "٬") + (f"٫{odd}" if odd else "")
    return en_to_fa(f"{text} تومان")


def in_words(rial: int) -> str:
    """`پانزده میلیون ریال`, for letters and receipts. Raises ValueError below zero."""
    # The library stops at 10^15, which is our own greatest amount; sums go further.
    trillions, rest = divmod(_amount(rial), _TRILLION)
    words = [f"{to_word(trillions)} تریلیون"] if trillions else []
    if rest or not trillions:
        words.append(to_word(rest))
    return " و ".join(words) + " ریال"


def _amount(rial: int) -> int:
    if rial < 0:
        raise ValueError("rial")
    return rial
