"""What references what."""

from __future__ import annotations

import pytest

from fleetd.service.questions.references import ListReferences
from fleetd.service.teaching import Taught


async def test_every_trigger_of_a_source_is_found_in_one_question(questions):
    page = await questions.ask(ListReferences(ref="EventSource.lib.projectsveltos.io//balancers", direction="in", kinds=("EventTrigger",)))
    plain, templated = sorted(page.items, key=lambda edge: edge.for_cluster)
    assert plain.from_ref == "EventTrigger.lib.projectsveltos.io//share"
    assert plain.field_path == "spec.eventSourceName"
    assert plain.resolved
    assert templated.from_ref == "EventTrigger.lib.projectsveltos.io//templated"
    assert templated.for_cluster == "prod/eu-1"
    assert templated.template_untrusted


@pytest.mark.parametrize("ref", ["eventsource/balancers", "EventSource/balancers", "EventSource.lib.projectsveltos.io//balancers"])
async def test_a_reference_may_be_written_short(questions, ref):
    assert (await questions.ask(ListReferences(ref=ref, direction="in"))).total.count == 2


async def test_a_reference_that_leads_nowhere_is_marked(questions):
    page = await questions.ask(ListReferences(ref="EventTrigger/other", direction="out", kinds=("EventSource",)))
    assert [edge.resolved for edge in page.items] == [False]


async def test_an_object_that_nobody_declared_gets_the_nearest(questions):
    with pytest.raises(Taught) as refused:
        await questions.ask(ListReferences(ref="EventSource/balancer"))
    assert refused.value.lesson.did_you_mean[0] == "EventSource.lib.projectsveltos.io//balancers"
