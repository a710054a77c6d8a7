"""Papers of an application: judged by content, kept sealed, given by the channels that may."""

import asyncio
import hashlib
import io
import json
import zipfile
import zlib
from uuid import uuid4

import pytest

from services.intake.documents.rules import MAX_BYTES, media_type
from services.intake.errors import DocumentNotAccepted, DocumentNotWhole
from tests import make


def chunk(kind, data):
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(*more):
    header = (1).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0])
    pixels = zlib.compress(b"\0\0")
    chunks = [chunk(b"IHDR", header), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def segment(marker, data):
    return b"\xff" + bytes([marker]) + (len(data) + 2).to_bytes(2) + data


def jpeg(*more):
    head = b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return head + b"".join(more) + segment(0xDB, bytes(65)) + scan + b"\xff\xd9"


def pdf(text=b"1 0 obj <</Type /Catalog>> endobj"):
    return b"%PDF-1.7\n" + text + b"\nstartxref\n9\n%%EOF\r\n"


def archive(comment=b""):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("run.exe", b"MZ")
        file.comment = comment
    return held.getvalue()


# By content alone


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pdf(), "application/pdf"),
        (png(), "image/png"),
        (jpeg(), "image/jpeg"),
        (jpeg(segment(0xE1, b"Exif\0\0" + jpeg())), "image/jpeg"),
        (jpeg(b"\xff\xff" + segment(0xFE, b"note")[1:]), "image/jpeg"),
    ],
    ids=["pdf", "png", "jpeg", "jpeg with a thumbnail", "jpeg with fill bytes"],
)
def test_three_kinds_of_files_are_known_by_their_content(data, kind):
    assert media_type(data) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", b"<html><body>hi</body></html>", archive(), b"GIF89a" + bytes(50),
        b"MZ" + bytes(200), b'<?xml version="1.0"?><svg onload="x()"/>', b"\0" * 100,
        pdf(b"<script>alert(1)</script>"), png(chunk(b"tEXt", b"c\0<html><script>")),
        jpeg(segment(0xFE, b"<!DOCTYPE html><body>")), png(chunk(b"zpTx", archive())),
        b"%PDF-1.7\n" + archive(comment=b"%%EOF"),
    ],
    ids=[
        "empty", "text", "html", "zip", "gif", "exe", "svg", "zeros", "pdf with a script",
        "png with a page", "jpeg with a page", "png with an archive", "pdf that is a zip",
    ],
)  # fmt: skip
def test_what_is_another_thing_or_two_at_once_is_not_accepted(data):
    with pytest.raises(DocumentNotAccepted):
        media_type(data)


@pytest.mark.parametrize("whole", [pdf(), png(), jpeg()], ids=["pdf", "png", "jpeg"])
def test_a_file_is_whole_and_nothing_hangs_behind_it(whole):
    for changed in (whole + archive(), whole + b"payload", whole[:-9], whole[: len(whole) // 2]):
        with pytest.raises((DocumentNotWhole, DocumentNotAccepted)):
            media_type(changed)
    for at in range(len(whole)):
        try:
            media_type(whole[:at])
        except (DocumentNotWhole, DocumentNotAccepted):
            continue
        assert whole[at:].strip() == b""


def test_a_damaged_png_is_refused():
    data = bytearray(png())
    data[20] ^= 1
    with pytest.raises(DocumentNotWhole):
        media_type(bytes(data))


def test_something_before_a_pdf_is_not_forgiven():
    for before in (b"\n", b"GIF89a", b"\xef\xbb\xbf"):
        with pytest.raises((DocumentNotAccepted, DocumentNotWhole)):
            media_type(before + pdf())


# At the gateway


@pytest.fixture
async def filed(agency):
    person = make.Person()
    await agency.known(person)
    counter = await agency.caller("counter")
    answer = await counter.post("/v1/applications", make.livelihood(person))
    return person, answer.json()["tracking_code"]


async def give(caller, tracking_code, data, *, kind="identity_card", name="x.pdf", **form):
    headers = form.pop("headers", {})
    return await caller.request(
        "POST",
        f"/v1/applications/{tracking_code}/documents",
        files={"file": (name, data, "application/octet-stream")},
        data={"kind": kind} | form,
        headers=headers,
    )


async def test_a_paper_is_kept_sealed_and_given_back_as_it_was(agency, filed):
    person, code = filed
    citizen = await agency.citizen(person)
    data = pdf(uuid4().hex.encode())
    answer = await give(citizen, code, data, name="../../گواهی محرمانه.exe")
    assert answer.status_code == 201, answer.text
    paper = answer.json()
    assert (paper["media_type"], paper["size"]) == ("application/pdf", len(data))
    assert paper["sha256"] == hashlib.sha256(data).hexdigest()
    assert "گواهی" not in answer.text
    path = answer.headers["location"]
    officer = await agency.caller("intake_officer")
    for reader in (citizen, officer, await agency.caller("counter")):
        got = await reader.get(path)
        assert (got.status_code, got.content) == (200, data)
        assert got.headers["content-type"] == "application/pdf"
        assert got.headers["content-disposition"].startswith('attachment; filename="identity_card-')
        assert got.headers["x-content-type-options"] == "nosniff"
    kept = agency.settings.data_dir / "documents" / paper["sha256"][:2] / paper["sha256"]
    assert data[9:41] not in kept.read_bytes()
    assert (agency.settings.data_dir / "documents").stat().st_mode & 0o077 == 0
    rows = await agency.eye.fetch("SELECT entry FROM intake.audit")
    entries = [json.loads(row["entry"]) for row in rows]
    mine = [e["action"] for e in entries if e.get("reference") == code]
    assert mine.count("document.read") == 3
    assert mine.count("document.added") == 1


async def test_the_same_file_is_stored_once(agency, filed):
    person, code = filed
    citizen = await agency.citizen(person)
    data = png(chunk(b"tEXt", b"id\0" + uuid4().hex.encode()))
    first, *more = await asyncio.gather(*(give(citizen, code, data) for _ in range(4)))
    answers = sorted([first, *more], key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await give(citizen, code, data, kind="residence_proof")
    assert other.status_code == 201
    sealed = agency.settings.data_dir / "documents" / first.json()["sha256"][:2]
    assert [file.name for file in sealed.iterdir()].count(first.json()["sha256"]) == 1
    listed = await citizen.get(f"/v1/applications/{code}/documents", params={"limit": 1})
    rest = await citizen.get(
        f"/v1/applications/{code}/documents", params={"cursor": listed.json()["next_cursor"]}
    )
    kinds = [paper["kind"] for page in (listed, rest) for paper in page.json()["items"]]
    assert kinds == ["identity_card", "residence_proof"]


@pytest.mark.req("H11")
async def test_a_retry_under_one_key_gets_the_first_answer_though_its_boundary_differs(
    agency, filed
):
    person, code = filed
    citizen = await agency.citizen(person)
    data, headers = jpeg(segment(0xFE, uuid4().bytes)), {"Idempotency-Key": str(uuid4())}
    first = await give(citizen, code, data, headers=headers)
    again = await give(citizen, code, data, headers=headers)
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    other = await give(citizen, code, data, kind="residence_proof", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.req("LV-37", "EX-33")
async def test_papers_come_by_the_system_a_counter_or_in_person_only(agency, filed):
    person, code = filed
    for channel in ("email", "post", "sms", "ivr_callcentre", "internet_cafe", "counter_like"):
        citizen = await agency.citizen(person, channels=[channel])
        answer = await give(citizen, code, pdf())
        assert (answer.status_code, answer.json()["code"]) == (403, "channel_not_allowed"), channel
    both = await agency.citizen(person, channels=["sms", "mobile_app"])
    said = await give(both, code, pdf(), channel="sms")
    assert said.json()["code"] == "channel_not_allowed"
    claimed = await give(both, code, pdf(), channel="soha_portal")
    assert claimed.json()["code"] == "channel_not_allowed"
    allowed = {
        "soha_portal": await agency.citizen(person, channels=["soha_portal"]),
        "counter": await agency.caller("counter"),
        "in_person_desk": await agency.caller("intake_officer", channels=["in_person_desk"]),
    }
    for channel, caller in allowed.items():
        answer = await give(caller, code, pdf(channel.encode()))
        assert (answer.status_code, answer.json()["channel"]) == (201, channel)


async def test_other_files_are_refused_whatever_they_are_called(agency, filed):
    person, code = filed
    citizen = await agency.citizen(person)
    refused = {
        "page.pdf": (b"<html><script>", 415, "document_not_accepted"),
        "archive.png": (archive(), 415, "document_not_accepted"),
        "half.pdf": (pdf()[:30], 422, "document_not_whole"),
        "big.pdf": (pdf(b" " * MAX_BYTES), 413, "body_too_large"),
    }
    for name, (data, status, problem) in refused.items():
        answer = await give(citizen, code, data, name=name)
        assert (answer.status_code, answer.json()["code"]) == (status, problem), name
    limit = pdf(b" " * (MAX_BYTES - len(pdf(b""))))
    assert len(limit) == MAX_BYTES
    assert (await give(citizen, code, limit)).status_code == 201


async def test_a_form_with_other_parts_is_refused(agency, filed):
    person, code = filed
    citizen = await agency.citizen(person)
    path = f"/v1/applications/{code}/documents"
    good = ("file", ("x.pdf", pdf(), "application/pdf"))
    forms = {
        "twice": {"files": [good, good], "data": {"kind": "identity_card"}},
        "unknown": {"files": [good], "data": {"kind": "identity_card", "colour": "red"}},
        "no kind": {"files": [good]},
        "no file": {"files": [("kind", (None, "identity_card"))]},
        "text for a file": {"files": [("kind", (None, "x")), ("file", (None, "text"))]},
        "bad kind": {"files": [good], "data": {"kind": "کارت"}},
    }
    for what, form in forms.items():
        answer = await citizen.request("POST", path, **form)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), what
    plain = await citizen.request("POST", path, json={"kind": "identity_card"})
    assert plain.status_code in {415, 422}


async def test_strangers_find_nothing(agency, filed):
    person, code = filed
    citizen = await agency.citizen(person)
    path = (await give(citizen, code, pdf())).headers["location"]
    other = make.Person()
    await agency.known(other)
    strangers = [
        await agency.citizen(other),
        await agency.caller("counter", office_code="72019998"),
        await agency.caller("intake_officer", province="Fars"),
    ]
    for stranger in strangers:
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get(path.rpartition("/")[0])).status_code == 404
        assert (await give(stranger, code, pdf())).status_code == 404
    assert (await citizen.get(path.replace(path[-36:], str(uuid4())))).status_code == 404
    for role in ("operator", "ministry", "bank"):
        assert (await (await agency.caller(role)).get(path)).status_code == 403, role


async def test_a_withdrawn_application_takes_no_more_papers(agency, filed):
    person, code = filed
    citizen = await agency.citizen(person)
    assert (await give(citizen, code, pdf())).status_code == 201
    await agency.settled()
    body = {"reason": "منصرف شدم"}
    assert (await citizen.post(f"/v1/applications/{code}/withdraw", body)).status_code == 200
    late = await give(citizen, code, png())
    assert (late.status_code, late.json()["code"]) == (409, "step_not_allowed")
    assert late.json()["current_status"] == "withdrawn"
