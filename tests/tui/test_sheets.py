"""Somebody looks at the fleet: rows, changes, filters, pages, and text from hostile clusters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleetd.domain.records import AddonRecord, DriftField, Heartbeat, IncidentRecord, JournalRecord, MemberGone, Stage
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DriftOutcome
from tui.asked import MOST

ESCAPES = "\x1b[31m[red]x[/red] [link=http://evil]y[/] \x1b]0;title\x07\u202egnol\u200b"
UNWANTED = ("\x1b", "\x07", "\u202e", "\u200b")


def now() -> datetime:
    return datetime.now(UTC)


def decision(subject: str, **more: str) -> JournalRecord:
    plain = {"cluster": "prod/eu-1", "decision": "applied", "reason": "", "cause_id": "e1"}
    return JournalRecord(at=now(), stage=Stage.APPLY, subject=subject, **{**plain, **more})


async def test_each_sheet_shows_its_rows_the_most_urgent_first(sit_down, database):
    async with sit_down(database) as terminal:
        assert terminal.first("clusters") == ["prod/us-2", "prod/eu-1", "prod/us-1"]
        for key, name in (("2", "events"), ("3", "addons"), ("4", "drift"), ("5", "journal")):
            await terminal.press(key)
            await terminal.until(lambda name=name: bool(terminal.lines(name)))
        assert terminal.lines("events")[0][:4] == ["✗ failed at 1", "balancers", "prod/eu-1", "Service/shop/web"]
        assert [line[0] for line in terminal.lines("addons")] == ["✗ failed", "✓ deployed"]
        assert terminal.lines("drift")[0][:2] == ["✓ corrected", "Service/shop/web"]
        assert [line[2] for line in terminal.lines("journal")] == ["✗ failed", "✓ match"]


async def test_the_top_line_counts_the_fleet(sit_down, database):
    async with sit_down(database) as terminal:
        assert terminal.text("#summary") == (
            "fleetd · ✓ 2 of 3 clusters ready · ✗ 1 unreachable · ✗ 1 failed add-ons · 0 open drift · 0 held losses"
        )
        assert terminal.text("#freshness").startswith("as of 2")


async def test_it_says_since_when_no_daemon_runs(sit_down, empty, planted):
    long_ago = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    await empty.commit([planted.member("prod/eu-1", long_ago), Heartbeat(clusters=("prod/eu-1",), at=long_ago)])
    async with sit_down(empty) as terminal:
        assert "daemon not running since 2026-01-02T03:04:05Z" in terminal.text("#freshness")
        assert terminal.lines("clusters")[0][1] == "… ready, stale"


async def test_an_empty_database_is_told_from_a_fleet_without_trouble(sit_down, empty):
    async with sit_down(empty) as terminal:
        assert terminal.lines("clusters") == []
        assert "fleetd cluster register" in terminal.text("#status")
        assert "no cluster was heard of yet" in terminal.text("#freshness")
        await terminal.press("enter", "j", "G", "4")
        await terminal.until(lambda: "no drift" in terminal.text("#status"))


async def test_a_commit_is_shown_without_a_key_and_the_cursor_stays_on_its_row(sit_down, database, planted):
    async with sit_down(database) as terminal:
        await terminal.press("j")
        table = terminal.table("clusters")
        assert table.current["cluster"] == "prod/eu-1"
        away = {"state": ClusterState.UNREACHABLE, "ready": False, "reason": "gone dark"}
        await database.commit([planted.member("prod/aa-0", now(), **away), planted.member("prod/us-1", now(), **away)])
        await terminal.until(lambda: "prod/aa-0" in terminal.first("clusters"))
        assert terminal.first("clusters") == ["prod/aa-0", "prod/us-1", "prod/us-2", "prod/eu-1"]
        assert table.current["cluster"] == "prod/eu-1"
        assert table.cursor_row == 3
        assert "3 unreachable" in terminal.text("#summary")


async def test_the_cursor_stays_at_its_line_when_its_row_goes(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("G")
        assert terminal.table("clusters").current["cluster"] == "prod/us-1"
        await database.commit([MemberGone(cluster="prod/us-1", at=now())])
        await terminal.until(lambda: len(terminal.first("clusters")) == 2)
        assert terminal.table("clusters").current["cluster"] == "prod/eu-1"


async def test_a_longer_word_widens_its_column(sit_down, database, planted):
    async with sit_down(database) as terminal:
        await database.commit([planted.member("prod/eu-1", now(), version="v1.31.0-some.vendor+4711")])
        await terminal.until(lambda: any("4711" in line[2] for line in terminal.lines("clusters")))
        await terminal.painted("v1.31.0-some.vendor+4711")


async def test_a_filter_shows_what_has_the_words_or_what_has_not(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("slash", *"US-")
        await terminal.until(lambda: terminal.first("clusters") == ["prod/us-2", "prod/us-1"])
        await terminal.press("home", "!", "enter")
        await terminal.until(lambda: terminal.first("clusters") == ["prod/eu-1"])
        assert "filtered by !US-" in terminal.text("#status")
        await terminal.press("escape")
        await terminal.until(lambda: len(terminal.first("clusters")) == 3)


async def test_a_filter_is_words_and_no_pattern_and_no_query(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("slash")
        for words in ("%", "_", "'", "^", '"; DROP TABLE members; --'):
            terminal.app.query_one("#needle").value = words
            await terminal.until(lambda words=words: terminal.text("#status") == f"nothing matches {words}")
            assert terminal.first("clusters") == []


async def test_a_filter_belongs_to_its_sheet(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("slash", *"us-2", "enter")
        await terminal.until(lambda: terminal.first("clusters") == ["prod/us-2"])
        await terminal.press("3")
        await terminal.until(lambda: len(terminal.lines("addons")) == 2)
        await terminal.press("1")
        await terminal.until(lambda: terminal.app.query_one("#needle").value == "us-2")
        assert terminal.first("clusters") == ["prod/us-2"]


async def test_the_page_of_a_cluster_has_every_column_its_failed_addons_and_its_open_drift(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("enter")
        await terminal.until(lambda: "Failed add-ons" in terminal.app.screen.shown.plain)
        text = terminal.app.screen.shown.plain
        for words in ("kubernetes_version", "v1.29.8", "Failed add-ons (1)", "ClusterProfile/share-web", "Open drift (none)", "region"):
            assert words in text
        await terminal.press("escape")
        assert terminal.app.screen is terminal.app.screen_stack[0]


async def test_an_open_page_follows_its_row(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("enter")
        await terminal.until(lambda: "Open drift (none)" in terminal.app.screen.shown.plain)
        ref = ObjectRef("Service", "", "shop", "web")
        times = {"detected_at": now(), "corrected_at": None, "outcome": DriftOutcome.OPEN, "flap_count": 0, "cause_id": "i2"}
        fields = (DriftField("spec.type", '"ClusterIP"', '"NodePort"'),)
        await database.commit(
            [
                IncidentRecord(
                    incident_id="i2", cluster="prod/us-2", ref=ref, profile="ClusterProfile/x", changed_by="eve", fields=fields, **times
                )
            ]
        )
        await terminal.until(lambda: "Open drift (1)" in terminal.app.screen.shown.plain)
        assert "eve" in terminal.app.screen.shown.plain
        await database.commit([MemberGone(cluster="prod/us-2", at=now())])
        await terminal.until(lambda: "this row is no more" in terminal.app.screen.shown.plain)


async def test_other_rows_have_a_page_too(sit_down, database):
    async with sit_down(database) as terminal:
        for key in ("2", "4", "5"):
            await terminal.press(key)
            await terminal.until(lambda: bool(terminal.lines(terminal.app.sheet.name)))
            await terminal.press("enter")
            await terminal.until(lambda: "cause_id" in terminal.app.screen.shown.plain)
            await terminal.press("escape")


async def test_text_from_a_cluster_is_shown_and_does_nothing(sit_down, database):
    plain = {"kind": "policyRef", "state": AddonState.FAILED, "attempts": 1, "wanted_digest": "w", "cause_id": "e1"}
    addon = AddonRecord(profile="ClusterProfile/[bold]p", cluster="prod/eu-1", addon=ESCAPES, reason=ESCAPES, at=now(), **plain)
    await database.commit([decision(ESCAPES, decision="[blink]odd", reason=ESCAPES), addon])
    async with sit_down(database, size=(200, 45)) as terminal:
        for key, name in (("5", "journal"), ("3", "addons")):
            await terminal.press(key)
            await terminal.until(lambda name=name: any("[red]x[/red]" in "".join(line) for line in terminal.lines(name)))
            await terminal.painted("[red]x[/red] [link=http://evil]y[/]")
            assert harmless(terminal)
        await terminal.press("enter")
        await terminal.until(lambda: "[red]x[/red]" in terminal.app.screen.shown.plain)
        await terminal.painted("[bold]p", "[red]x[/red]")
        assert harmless(terminal)


def harmless(terminal):
    """Whether nothing on the terminal, or beside what fits on it, would act on it."""
    shown = terminal.screen() + "".join("".join(line) for line in terminal.lines(terminal.app.sheet.name))
    return not [character for character in UNWANTED if character in shown]


async def test_a_long_sheet_shows_its_first_rows_says_so_and_is_filtered_whole(sit_down, database):
    await database.commit([decision(f"ClusterProfile/p{number:04}") for number in range(MOST + 20)])
    async with sit_down(database) as terminal:
        await terminal.press("5")
        await terminal.until(lambda: len(terminal.lines("journal")) == MOST)
        assert f"the first {MOST} rows" in terminal.text("#status")
        assert not any("p0003" in line[3] for line in terminal.lines("journal"))
        await terminal.press("slash", *"p0003")
        await terminal.until(lambda: [line[3] for line in terminal.lines("journal")] == ["ClusterProfile/p0003"])


async def test_what_comes_on_top_does_not_move_what_somebody_reads(sit_down, database):
    await database.commit([decision(f"ClusterProfile/p{number:04}") for number in range(200)])
    async with sit_down(database) as terminal:
        await terminal.press("5")
        await terminal.until(lambda: len(terminal.lines("journal")) > 100)
        await terminal.press(*["pagedown"] * 2)
        table = terminal.table("journal")
        under, on_screen = table.current["entry_id"], table.cursor_row - table.scroll_offset.y
        await database.commit([decision("ClusterProfile/new") for _ in range(3)])
        await terminal.until(lambda: terminal.lines("journal")[0][3] == "ClusterProfile/new")
        assert table.current["entry_id"] == under
        assert table.cursor_row - table.scroll_offset.y == on_screen


async def test_a_small_terminal_is_enough(sit_down, database):
    async with sit_down(database, size=(80, 24)) as terminal:
        await terminal.painted("3 clusters ready", "held losses", "as of", "1 Clusters", "5 Journal", "prod/us-2", "q quit")


async def test_the_keys_are_told(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("question_mark")
        await terminal.pilot.pause()
        await terminal.painted("everything about the row")
        await terminal.press("escape", "q")
        assert terminal.app.return_code == 0


async def test_ages_go_on_without_a_commit(sit_down, database):
    async with sit_down(database) as terminal:
        table = terminal.table("clusters")
        row = {**table.current, "last_seen_at": (now() - timedelta(days=5)).isoformat()}
        table.show_rows([row])
        before = terminal.lines("clusters")
        assert "5d" in before[0]
