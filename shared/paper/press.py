"""The press: a typst template and its data become a PDF, beside the event loop.

A template is our own code. What it prints comes to it as data, which is never read as markup; the
look that all papers share is `house.typ`.
"""

import asyncio
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import typst

from shared.values.text import printable

ROOT = Path(__file__).parents[2]
FONTS = Path(__file__).parent / "fonts"
PRESSES = 2
"""typst lets go of the interpreter's lock: so many papers at once, as many as there are cores."""
MOST_WAITING = 16

_presses = ThreadPoolExecutor(PRESSES, thread_name_prefix="press")
_own = threading.local()
_waiting = [0]


class PressesBusy(Exception):
    """More papers wait than can be made in good time: the caller is asked to come again."""

    sqlstate = "53300"


async def pdf(template: Path, data: Mapping[str, Any]) -> bytes:
    """A PDF/A of a template below the root with this JSON data; equal data give equal bytes.

    Raises PressesBusy while too many wait.
    """
    if _waiting[0] >= PRESSES + MOST_WAITING:
        raise PressesBusy
    _waiting[0] += 1
    try:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_presses, _press, template, data)
    finally:
        _waiting[0] -= 1


def _press(template: Path, data: Mapping[str, Any]) -> bytes:
    made = compiler().compile(
        input=str(template),
        format="pdf",
        sys_inputs=inputs(data),
        pdf_standards="a-2b",  # archival, with its fonts inside
        timestamp=0,  # the paper says its own day; a hidden one would make equal papers differ
    )
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one piece")
    return made


def compiler() -> typst.Compiler:
    """The compiler of this thread, with our fonts and no others."""
    if not hasattr(_own, "compiler"):
        _own.compiler = typst.Compiler(
            root=str(ROOT), font_paths=[str(FONTS)], ignore_system_fonts=True
        )
    found: typst.Compiler = _own.compiler
    return found


def inputs(data: Mapping[str, Any]) -> dict[str, str]:
    """What a template reads as `sys.inputs.data`: no text in it can turn its surroundings."""
    return {"data": json.dumps(_clean(data), ensure_ascii=False)}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {name: _clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value
