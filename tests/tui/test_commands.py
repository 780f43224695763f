"""What is typed after a colon."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from fleetd.service.asking import Question
from fleetd.service.teaching import Taught
from mcp_server.catalogue import offered
from mcp_server.principals import Mode
from tui import equivalents, pages
from tui.commands import Deed, read_command
from tui.equivalents import command_of
from tui.places import Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", Place("pulse")),
        (":cl", Place("clusters")),
        ("clusters", Place("clusters")),
        ("cl prod/eu-1", Place("cluster", "prod/eu-1")),
        ("ev pending", Place("pending")),
        ("ev pending @env=prod ~-2h", Place("pending", clusters="env=prod", as_of="-2h")),
        ("ad /web shop label=x @prod-*", Place("addons", needle="web shop label=x", clusters="prod-*")),
        ("ad env=prod", Place("addons", clusters="env=prod")),
        ("ad ClusterProfile/web", Place("addons", of="profile=ClusterProfile/web")),
        ("ev 4711", Place("event", "4711")),
        ("event event:4711", Place("event", "4711")),
        ("why share on prod/eu-1", Place("why", "EventTrigger/share", "prod/eu-1")),
        ("why ClusterProfile/web on eu-1", Place("why", "ClusterProfile/web", "eu-1")),
        ("tl", Place("timeline")),
        ("tl prod/eu-1", Place("timeline", cluster="prod/eu-1")),
        ("tl EventTrigger/share", Place("timeline", "EventTrigger/share")),
        ("es balancers", Place("object", "EventSource/balancers")),
        ("cm", Place("declared", of="kind=ConfigMap")),
        ("cm copy", Place("object", "ConfigMap/default/copy")),
        ("eventtriggers.lib.projectsveltos.io share", Place("object", "EventTrigger.lib.projectsveltos.io//share")),
        ("jo cron", Place("journal", needle="cron")),
    ],
)
def test_a_command_is_a_place(text, place):
    assert read_command(text) == place


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clustrs", "no screen or kind"),
        ("why", "why of what"),
        ("cl eu-1 on", "on which cluster"),
        ("ad one two", "column 8"),
        ("theme pink", "no such theme"),
    ],
)
def test_what_is_none_is_told_with_its_place(text, words):
    with pytest.raises(Taught) as told:
        read_command(text)
    assert words in told.value.lesson.sentence


def test_the_nearest_word_is_named():
    with pytest.raises(Taught) as told:
        read_command("eventtrigers")
    assert "eventtriggers" in told.value.lesson.did_you_mean


@pytest.mark.parametrize("text", ["q", "quit", "help", "theme light", "log", "aliases", "views"])
def test_some_words_do_something_here(text):
    assert isinstance(read_command(text), Deed)


@pytest.mark.parametrize(
    "text", ["cl", "ev pending @env=prod ~-2h", "ad /web @prod-*", "why EventTrigger/share on prod/eu-1", "cm copy", "tl prod/eu-1"]
)
def test_a_place_says_how_to_come_back_to_it(text):
    place = read_command(text)
    assert isinstance(place, Place)
    again = read_command(place.command)
    assert again == place or (again.subject, again.screen) == (place.subject, place.screen)


def test_a_place_knows_the_command_that_shows_the_same():
    assert command_of(Place("why", "EventTrigger/share", "prod/eu-1")) == "fleetd explain trigger share --cluster prod/eu-1"
    assert command_of(Place("object", "ConfigMap/default/copy")) == "fleetd describe configmap copy -n default"
    assert command_of(Place("clusters", clusters="env=prod")) == "fleetd get clusters -l env=prod"


def test_what_is_shown_as_a_call_is_a_tool_of_the_mcp_server():
    modules = [importlib.import_module(f"{pages.__name__}.{one.name}") for one in pkgutil.iter_modules(pages.__path__)]
    asked = {one for module in modules for one in vars(module).values() if isinstance(one, type) and issubclass(one, Question)}
    names = {one.name() for one in asked - {Question}}
    tools = {tool.name for tool in offered(Mode.OPERATE, sql=True)}
    assert names - tools == names & equivalents._OURS
    assert not tools & equivalents._OURS
