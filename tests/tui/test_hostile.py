"""Text from clusters that is made to break a screen: it stands there as text, on one line, on every list and page."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from fleetd.domain.records import (
    ChangeKind,
    DriftField,
    EventRecord,
    IncidentRecord,
    InventoryRecord,
    MatchRecord,
    ObjectChange,
    ReportedObject,
    VerdictRecord,
)
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DriftOutcome, MatchState, VerdictState
from tui import subjects
from tui.app import read_place
from tui.places import Place

_SMALL = {
    "markup": "[bold red]x[/] [/] [@click=app.quit]quit[/] [link=file:///etc/passwd]",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07 \x9b31m \x1b]52;c;aGk=\x07 \x1bPq\x1b\\",
    "bidi": "\u202eevil\u202c \u2066x\u2069 \u200f\u200b\ufeff a\u0301\u0301\u0301\u0301",
    "lines": "one\ntwo\r\nthree\u2028four\x0bfive\x0csix\x85seven\x00eight\ttab",
    "odd": "\udcff \ufdd0 \U000e0041 \x7f %s {0} {{ .Values }} $(reboot)",
}
CORPUS = {
    "signs": f"{_SMALL['markup']} {_SMALL['ansi']}",
    "order": f"{_SMALL['bidi']} {_SMALL['lines']} {_SMALL['odd']}",
    "size": "界" * 30 + "👩\u200d👩\u200d👧\u200d👦" * 5 + "n" * 10_000,
}
LISTS = ("cl", "ev", "pending", "ma", "ve", "ad", "ob", "dr", "jo", "de", "rq")


@pytest.fixture(params=CORPUS)
def said(request):
    return CORPUS[request.param]


@pytest.fixture
async def hostile(empty, planted, said):
    """The planted fleet, and in it a cluster whose every name is hostile."""
    text = said.encode("utf-8", "replace").decode()
    await planted.plant(empty, said=text)
    at, ref = datetime.now(UTC), ObjectRef("Service", "", "shop", text)
    change = ObjectChange(ChangeKind.ADDED, ReportedObject(ref, "v1", text, "d"))
    event = {"event_id": "e9", "source": "balancers", "cluster": "prod/eu-1", "cause_id": "e9"}
    match = {"trigger": "share", "source": "balancers", "event_id": "e9", "cluster": "prod/eu-1", "profile": "", "acted_at": None}
    put = {"cluster": "prod/us-1", "ref": ref, "profile": "ClusterProfile/share-web", "cause_id": "e9"}
    await empty.commit(
        [
            planted.member("prod/eu-1", at, version=text, reason=text, labels={"note": text[:60]}),
            EventRecord(**event, revision=2, detected_at=at, matching_count=1, changes=(change,)),
            MatchRecord(**match, match_id="m9", object_ref=ref, state=MatchState.PENDING, reason=text, matched_at=at, cause_id="e9"),
            VerdictRecord(source="balancers", cluster="prod/eu-1", since=at, ref=ref, state=VerdictState.ERROR, reason=text, deciding=text),
            InventoryRecord(
                **put,
                api_version="v1",
                addon="policyRefs/0",
                applied_at=at,
                wanted_digest="w",
                live_digest="l",
                fields="{}",
                uid="u",
                resource_version="7",
                epoch=1,
            ),
            IncidentRecord(
                **put,
                incident_id="i9",
                changed_by=text,
                detected_at=at,
                corrected_at=None,
                outcome=DriftOutcome.OPEN,
                flap_count=1,
                fields=(DriftField(text, text, text),),
            ),
        ]
    )
    return empty


def harmless(screen: str, width: int) -> None:
    lines = screen.split("\n")
    for line in lines:
        acting = [sign for sign in line if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") or sign in "\u2028\u2029"]
        assert not acting, acting
        assert cell_len(line) == width, (cell_len(line), line)


async def test_no_text_from_a_cluster_acts_on_a_terminal(sit_down, hostile):
    pages = [read_place(text) for text in ("pulse", "mx", "cl prod/eu-1", "ev e9", "et share", "why share on prod/eu-1", "tl")]
    pages += [Place("incident", "i9"), Place("trace", "event:e9")]
    async with sit_down(hostile, size=(100, 30)) as terminal:
        for place in [*map(read_place, LISTS), *pages]:
            await terminal.at(place)
            harmless(terminal.screen(), 100)
            led = {subjects.described(terminal.app.subject), subjects.traced(terminal.app.subject)} - {None}
            for where in led:
                await terminal.at(where)
                harmless(terminal.screen(), 100)
        assert terminal.app.is_running
