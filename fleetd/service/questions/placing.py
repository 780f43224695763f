"""Where a profile is, for whoever asks about it without naming a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.service.answers import Answer
from fleetd.service.arguments import Profile
from fleetd.service.asking import Question
from fleetd.service.foreign import safe_ref
from fleetd.service.naming import not_declared
from fleetd.service.questions.addons import profile_name, profile_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import Code, Lesson, Taught

_PLACES = """
SELECT cluster FROM fleet_addons WHERE profile = :profile
ORDER BY CASE WHEN state IN ('deployed', 'healthy') THEN 1 ELSE 0 END, cluster LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPlace(Question[Answer[str]]):
    """A cluster where a profile is stuck, else the first that it is on; where it is on none, the first of the fleet."""

    profile: Profile

    def answered(self, ground: Ground) -> Answer[str]:
        profile = profile_name(self.profile)
        found = ground.row(_PLACES, profile=profile)
        if found is None:
            _require(ground, profile)
            found = ground.row("SELECT cluster FROM fleet_clusters ORDER BY cluster LIMIT 1")
        if found is None:
            sentence = "the fleet has no cluster yet: nothing can be explained of any"
            raise Taught(Lesson(code=Code.NOT_FOUND, sentence=sentence, field="cluster"))
        return ground.answer(safe_ref(found["cluster"]))


def _require(ground: Ground, profile: str) -> None:
    ref = profile_ref(profile)
    declared = "SELECT ref FROM fleet_declared WHERE ref = :ref UNION ALL SELECT ref FROM fleet_generated WHERE ref = :ref"
    if ground.row(declared, ref=str(ref)) is None:
        raise not_declared(ground, ref, "profile")
