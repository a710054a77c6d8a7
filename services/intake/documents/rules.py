"""What a file is, by its content alone, and whether it is that and nothing more. Pure.

A file that another program would read as something else (a page, an archive) is refused: what an
officer opens must be what was checked.
"""

import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import puremagic

from services.intake.errors import DocumentNotAccepted, DocumentNotWhole

MAX_BYTES = 10 * 1024 * 1024
HEAD = 4096
# Browsers look for a page in the first bytes, and forgiving readers in the last.
LOOKED_AT = 1024
_PAGE = (b"<html", b"<!doctype", b"<script", b"<body", b"<iframe", b"<svg", b"<?php")
_PNG = b"\x89PNG\r\n\x1a\n"


def media_type(data: bytes) -> str:
    """The media type of a whole file. Raises DocumentNotAccepted, DocumentNotWhole."""
    try:
        found = puremagic.from_string(data[:HEAD], mime=True)
    except (puremagic.PureError, ValueError):
        raise DocumentNotAccepted from None
    ends_at = _ENDS.get(found)
    if ends_at is None:
        raise DocumentNotAccepted
    if ends_at(data) != len(data):
        raise DocumentNotWhole
    if _is_page(data) or zipfile.is_zipfile(BytesIO(data)):
        raise DocumentNotAccepted
    return str(found)


def _is_page(data: bytes) -> bool:
    ends = data[:LOOKED_AT].lower(), data[-LOOKED_AT:].lower()
    return any(mark in end for mark in _PAGE for end in ends)


def _pdf_end(data: bytes) -> int:
    """Where a PDF ends: line ends may follow its last mark, and nothing else."""
    mark = data.rfind(b"%%EOF")
    if not data.startswith(b"%PDF-") or mark < 0:
        return -1
    rest = data[mark + len(b"%%EOF") :]
    return len(data) - len(rest.lstrip(b"\r\n \t"))


def _png_end(data: bytes) -> int:
    """Where a PNG ends, its chunks counted and their check sums right."""
    at, first = len(_PNG), True
    while data.startswith(_PNG) and at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data) or (first and kind != b"IHDR"):
            return -1
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return -1
        if kind == b"IEND":
            return end
        at, first = end, False
    return -1


def _jpeg_end(data: bytes) -> int:
    """Where a JPEG ends: its segments by their length, its scan up to the next marker."""
    at = 2
    while data.startswith(b"\xff\xd8") and at + 1 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0xD9:
            return at + 2
        else:
            length = int.from_bytes(data[at + 2 : at + 4])
            if length < 2 or marker in {0x00, 0xD8}:
                return -1
            at += 2 + length
            if marker == 0xDA:
                at = _scan_end(data, at)
    return -1


def _scan_end(data: bytes, at: int) -> int:
    """The next marker behind compressed data, where FF 00 and restart marks are no markers."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        following = data[at + 1]
        if following != 0x00 and not 0xD0 <= following <= 0xD7:
            return at
        at += 2
    return len(data)


_ENDS: dict[str, Callable[[bytes], int]] = {
    "application/pdf": _pdf_end,
    "image/png": _png_end,
    "image/jpeg": _jpeg_end,
}
SUFFIX = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
