"""Whatever happens in whatever order: when all is delivered, the fleet is as a naive reading of the declarations says."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from fleetd.domain.records import ChangeKind, EventRecord

NAMES = st.sampled_from(["c1", "c2", "c3"])
OBJECTS = st.sampled_from(["one", "two", "three"])
LABELS = st.fixed_dictionaries({"role": st.sampled_from(["source", "none"]), "env": st.sampled_from(["x", "y"])})
VALUES = st.sampled_from(["1", "2"])
TRIGGERS = {"each": (True, "x"), "all": (False, "y"), "own": (True, "")}


def test_the_fleet_becomes_what_a_naive_reading_says_and_a_restart_changes_nothing(new_fleet, said):
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.fleet = new_fleet()
            self.members: dict[str, dict[str, str]] = {}
            self.triggers: dict[str, str] = {}
            self.profiles: dict[str, tuple[str, str]] = {}
            self.has_source = False
            self.on_the_way = []
            self.fleet.declare(*(said.template(name, one=one) for name, (one, _) in TRIGGERS.items()))

        # What people declare.

        @rule()
        def declare_the_source(self):
            self.fleet.declare(said.source())
            self.has_source = True

        @precondition(lambda self: self.has_source)
        @rule()
        def delete_the_source(self):
            self.fleet.undeclare("EventSource.lib.projectsveltos.io//marked")
            self.has_source = False

        @rule(name=st.sampled_from(sorted(TRIGGERS)), role=st.sampled_from(["source", "source", "none"]))
        def declare_a_trigger(self, name, role):
            one, to = TRIGGERS[name]
            self.fleet.declare(said.trigger(name, one=one, to=to, role=role))
            self.triggers[name] = role

        @precondition(lambda self: self.triggers)
        @rule(data=st.data())
        def delete_a_trigger(self, data):
            name = data.draw(st.sampled_from(sorted(self.triggers)))
            del self.triggers[name]
            self.fleet.undeclare(f"EventTrigger.lib.projectsveltos.io//{name}")

        @rule(env=st.sampled_from(["x", "y"]), values=st.lists(VALUES, min_size=1, max_size=2))
        def declare_a_profile(self, env, values):
            self.fleet.declare(said.profile(env=env), said.content("base", *values))
            self.profiles["base"] = env, values

        @precondition(lambda self: self.profiles)
        @rule()
        def delete_the_profile(self):
            self.profiles.clear()
            self.fleet.undeclare("ClusterProfile.config.projectsveltos.io//base")

        # What clusters do.

        @rule(name=NAMES, labels=LABELS)
        def join_or_relabel(self, name, labels):
            if name in self.members:
                self.fleet.relabel(name, **labels)
            else:
                self.fleet.join(name, **labels)
            self.members[name] = labels

        @precondition(lambda self: self.members)
        @rule(data=st.data())
        def leave(self, data):
            name = data.draw(st.sampled_from(sorted(self.members)))
            del self.members[name]
            self.fleet.leave(name)

        @precondition(lambda self: self.members)
        @rule(data=st.data())
        def away_and_back(self, data):
            name = data.draw(st.sampled_from(sorted(self.members)))
            if f"fleet/{name}" in self.fleet.connected:
                self.fleet.cut(name)
            else:
                self.fleet.connect(name)

        @rule(name=NAMES, which=OBJECTS, value=VALUES, marked=st.booleans(), unseen=st.booleans())
        def put_an_object(self, name, which, value, marked, unseen):
            made = said.config_map(which, value, mark="yes" if marked else "no")
            self.fleet.put(name, made, unseen=unseen)
            if unseen:
                self.relist(name)

        @rule(name=NAMES, which=OBJECTS, unseen=st.booleans())
        def delete_an_object(self, name, which, unseen):
            if said.ref(which) in self.fleet.live[f"fleet/{name}"]:
                self.fleet.drop(name, said.ref(which), unseen=unseen)
                if unseen:
                    self.relist(name)

        def relist(self, name):
            if f"fleet/{name}" in self.fleet.connected:
                self.fleet.list_all(name)

        @rule(name=NAMES, which=OBJECTS)
        def a_list_lacks_what_is_there(self, name, which):
            if f"fleet/{name}" in self.fleet.connected:
                self.fleet.list_all(name, without={said.ref(which)})
                changes = [change for event in self.fleet.told(EventRecord) for change in event.changes]
                assert not [change for change in changes if change.change is ChangeKind.REMOVED and change.object.ref == said.ref(which)]

        # What the engine does.

        @precondition(lambda self: self.fleet.due)
        @rule(data=st.data(), away=st.booleans())
        def deliver(self, data, away):
            order = self.fleet.begin(data.draw(st.sampled_from(sorted(self.fleet.due))))
            if order is not None:
                self.fleet.finish(order, away=away)

        @precondition(lambda self: self.fleet.due)
        @rule(data=st.data())
        def begin_a_delivery(self, data):
            order = self.fleet.begin(data.draw(st.sampled_from(sorted(self.fleet.due))))
            if order is not None:
                self.on_the_way.append(order)

        @precondition(lambda self: self.on_the_way)
        @rule(away=st.booleans())
        def end_a_delivery(self, away):
            self.fleet.finish(self.on_the_way.pop(0), away=away)

        @rule()
        def restart(self):
            self.on_the_way.clear()
            connected = {name.removeprefix("fleet/") for name in self.fleet.connected}
            self.fleet.restart()
            self.fleet.connect(*sorted(connected))

        @rule()
        def come_to_rest(self):
            self.rest()

        def rest(self):
            while self.on_the_way:
                self.fleet.finish(self.on_the_way.pop(0))
            for name in sorted(self.members):
                if f"fleet/{name}" not in self.fleet.connected:
                    self.fleet.connect(name)
            self.fleet.run()
            # What flapped is held back, and goes on when it is quiet.
            self.fleet.wait(hours=1)
            self.fleet.run()
            for name in sorted({*self.members, "c1", "c2", "c3"}):
                assert self.fleet.standing(name) == self.naive(name), name

        def naive(self, name):
            """What should stand on a cluster, from the declarations and the objects alone."""
            if name not in self.members:
                return {}
            wanted = {}
            for profile, (env, values) in self.profiles.items():
                if self.members[name]["env"] == env:
                    wanted |= {f"{profile}-{index}": value for index, value in enumerate(values)}
            for trigger, role in self.triggers.items() if self.has_source else ():
                one, to = TRIGGERS[trigger]
                for where, labels in self.members.items():
                    there = self.members[name]["env"] == to if to else where == name
                    objects = self.fleet.live[f"fleet/{where}"]
                    marked = {
                        ref.name: objects[ref]["data"]["value"]
                        for ref in sorted(objects)
                        if ref.namespace == "default" and objects[ref]["metadata"]["labels"]["mark"] == "yes"
                    }
                    if labels["role"] != role or not there or not marked:
                        continue
                    if one:
                        wanted |= {f"{trigger}-{where}-{item}": value for item, value in marked.items()}
                    else:
                        wanted[f"{trigger}-{where}"] = "".join(f"{item}={value}," for item, value in marked.items())
            return wanted

        def teardown(self):
            self.rest()
            fleet, writes = self.fleet, self.fleet.writes
            before = fleet.plane
            turn = fleet.restart()
            assert not turn.records, "a restart with nothing changed says nothing"
            assert not turn.due
            for part in ("inventory", "owned", "addons", "matches", "destinations", "generated", "match_of", "incidents"):
                assert _full(getattr(fleet.plane, part)) == _full(getattr(before, part)), part
            fleet.connect(*sorted(self.members))
            fleet.run()
            assert fleet.writes == writes
            assert {key: set(item.objects) for key, item in fleet.plane.reports.items() if item.objects} == {
                key: set(item.objects) for key, item in before.reports.items() if item.objects
            }

    def _full(part):
        return {key: value for key, value in part.items() if value}

    # Without shrinking: it takes minutes, and the steps of a failing run read well as they are.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    bounds = settings(max_examples=120, stateful_step_count=50, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Machine, settings=bounds)
