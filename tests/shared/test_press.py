"""Papers: equal for equal data, deaf to what stands in them, never more than can be made."""

import asyncio
import threading
from pathlib import Path

import pytest

from shared.paper import press

NASTY = '#panic("read") *b* $x$ <a> @b \\u{202e} "] #import "/x.typ" //'


@pytest.fixture
def template():
    """A paper of three lines, below the root as a template must be."""
    path = Path(__file__).with_name("three_lines.typ")
    path.write_text(
        '#import "/shared/paper/house.typ": *\n'
        "#let it = json(bytes(sys.inputs.data))\n"
        "#show: paper.with(title: [سه سطر])\n#said(it.text) #grouped(it.amount)\n",
        encoding="utf-8",
    )
    yield path
    path.unlink()


async def test_equal_data_make_equal_papers(template):
    data = {"text": "زهرا کاظمی\u200cنژاد (ID: 12-AB)", "amount": 27_400_000}
    one, other = await press.pdf(template, data), await press.pdf(template, data)
    assert one == other
    assert one.startswith(b"%PDF-1.7")
    assert await press.pdf(template, data | {"amount": 1}) != one


async def test_what_is_written_in_a_paper_is_never_read_as_markup(template):
    made = await press.pdf(template, {"text": NASTY, "amount": 0})
    assert made.startswith(b"%PDF-1.7")


def test_what_turns_or_hides_text_stays_off_the_paper():
    turned = {"a": ["x\u202ey\u2069\x07\u200b", {"b": "می\u200cروم\n"}], "n": 5, "none": None}
    assert press._clean(turned) == {"a": ["xy", {"b": "می\u200cروم\n"}], "n": 5, "none": None}


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("grouped(0)", "۰"),
        ("grouped(1234567)", "۱٬۲۳۴٬۵۶۷"),
        ("grouped(-1000)", "−۱٬۰۰۰"),
        ("rial(1000000000000000)", "۱٬۰۰۰٬۰۰۰٬۰۰۰٬۰۰۰٬۰۰۰ ریال"),
        ("share(1, 3)", "۳۳٫۳٪"),
        ("share(2, 3)", "۶۶٫۷٪"),
        ("share(7, 7)", "۱۰۰٫۰٪"),
        ("share(0, 0)", "—"),
        ('jalali("1405-08-30")', "۳۰ آبان ۱۴۰۵"),
        ('jalali("1405-12")', "اسفند ۱۴۰۵"),
    ],
)
def test_numbers_and_days_are_written_as_persian_writes_them(template, expression, shown):
    template.write_text(
        f'#import "/shared/paper/house.typ": *\n#assert.eq({expression}, sys.inputs.shown)\n',
        encoding="utf-8",
    )
    press.compiler().compile(input=str(template), sys_inputs={"shown": shown})
    with pytest.raises(RuntimeError):
        press.compiler().compile(input=str(template), sys_inputs={"shown": "no"})


async def test_beyond_what_can_be_made_in_good_time_the_caller_is_asked_to_come_again(monkeypatch):
    gate, most = threading.Event(), press.PRESSES + press.MOST_WAITING
    monkeypatch.setattr(press, "_press", lambda *_: gate.wait(10) and b"made")
    waiting = [asyncio.create_task(press.pdf(Path("x"), {})) for _ in range(most)]
    await asyncio.sleep(0)
    with pytest.raises(press.PressesBusy):
        await press.pdf(Path("x"), {})
    gate.set()
    assert await asyncio.gather(*waiting) == [b"made"] * most
    assert await press.pdf(Path("x"), {}) == b"made"
