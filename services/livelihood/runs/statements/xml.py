"""ISO 20022 as a stream: elements as they end, and nothing that an attack on a parser needs.

No document type, no entities, no other encoding than UTF-8; size, depth, and what is held in memory
are bounded whatever comes. Only elements of the message's own namespace are seen.
"""

import re
from collections.abc import Callable
from xml.parsers import expat

from services.livelihood.runs.errors import StatementMalformed

MAX_DEPTH = 24
MAX_TEXT = 256
MAX_BYTES = 64 * 1024 * 1024
PIECE = 64 * 1024
MAX_TOKEN = 4 * PIECE
"""A name, tag or comment that goes on for longer is no part of any message."""

_SPACE = "urn:iso:std:iso:20022:tech:xsd:"
MESSAGE = re.compile(r"(pain\.002|camt\.053)\.001\.[0-9]{2}")
_NAME = re.compile(r"[A-Za-z0-9]{1,35}")

Path = tuple[str, ...]
Begin = Callable[[Path, int], None]
End = Callable[[Path, str, str | None], None]
"""The path of an element below the message, its text, and its currency if it has one."""


class Reader:
    """Feed it bytes; it calls `begin` and `end` of whoever reads the message.

    Raises StatementMalformed, with the line but never what stands in it.
    """

    def __init__(self, start: Callable[[str], tuple[Begin, End]]) -> None:
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._refused
        parser.EntityDeclHandler = self._refused
        parser.ProcessingInstructionHandler = self._refused
        self._parser = parser
        self._start = start
        self._space = ""
        self._path: list[str] = []
        self._strange = 0  # how deep within elements of another namespace
        self._held = ""
        self._currency: str | None = None
        self._read = 0
        self._seen: tuple[Begin, End] | None = None

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the document."""
        for at in range(0, len(chunk), PIECE):
            piece = chunk[at : at + PIECE]
            self._read += len(piece)
            if self._read > MAX_BYTES:
                raise self.malformed
            self._parse(piece, final=False)
            if self._read - self._parser.CurrentByteIndex > MAX_TOKEN:
                raise self.malformed

    def close(self) -> None:
        """There is nothing more: the document must be whole."""
        self._parse(b"", final=True)

    @property
    def malformed(self) -> StatementMalformed:
        return StatementMalformed(line=self._parser.CurrentLineNumber)

    def _parse(self, piece: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(piece, final)
        except (expat.ExpatError, ValueError):
            raise self.malformed from None

    def _refused(self, *_: object) -> None:
        raise self.malformed

    def _declared(self, _: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.lower() not in {"utf-8", "utf8"}:
            raise self.malformed

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) + self._strange >= MAX_DEPTH:
            raise self.malformed
        space, _, local = name.rpartition(" ")
        if not self._space:
            self._open(space, local)
            return
        if self._strange or space != self._space or not _NAME.fullmatch(local):
            self._strange += 1
            return
        self._path.append(local)
        self._held, self._currency = "", attributes.get("Ccy")
        if self._seen is not None:
            self._seen[0](tuple(self._path), self._parser.CurrentLineNumber)

    def _open(self, space: str, local: str) -> None:
        """The root says which message it is."""
        kind = MESSAGE.fullmatch(space.removeprefix(_SPACE)) if space.startswith(_SPACE) else None
        if kind is None or local != "Document":
            raise self.malformed
        self._space = space
        self._seen = self._start(kind[1])

    def _text(self, text: str) -> None:
        if not self._strange and len(self._held) <= MAX_TEXT:
            self._held += text[: MAX_TEXT + 1 - len(self._held)]

    def _end(self, _: str) -> None:
        if self._strange:
            self._strange -= 1
            return
        if not self._path or self._seen is None:
            return
        self._seen[1](tuple(self._path), self._held.strip(" \t\r\n"), self._currency)
        self._path.pop()
        self._held, self._currency = "", None
