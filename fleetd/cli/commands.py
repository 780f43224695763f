"""Every command: where its function stands, and the sentence that lists show. Nothing of it is loaded before it is called."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """`place` is `module:function`."""

    place: str
    sentence: str


GROUPS = {
    "cluster": "The members of the fleet: register, list, label, pause, deregister.",
    "explain": "Why a trigger or a profile acts on a cluster, or does not.",
    "proposals": "What halts until a person says a word: list, show, approve, reject.",
    "db": "Care of the database: migrations, checks, backups.",
}

COMMANDS = {
    "demo": Command("fleetd.cli.demo_command:demo", "Simulated clusters, the daemon and a story: events travel across clusters."),
    "run": Command("fleetd.cli.run:run", "Run the daemon until it is interrupted."),
    "sim": Command("fleetd.cli.sim:sim", "Run simulated Kubernetes clusters on 127.0.0.1."),
    "apply": Command("fleetd.cli.apply:apply", "Declare objects from files, folders or stdin."),
    "delete": Command("fleetd.cli.delete:delete", "Delete declared objects."),
    "get": Command("fleetd.cli.get:get", "Show declared objects, or rows: clusters, events, addons, drift and others."),
    "describe": Command("fleetd.cli.describe:describe", "One object with its state, what belongs to it, and what was decided about it."),
    "label": Command("fleetd.cli.label:label", "Set and remove labels of declared objects."),
    "annotate": Command("fleetd.cli.label:annotate", "Set and remove annotations of declared objects."),
    "lint": Command("fleetd.cli.lint:lint", "Check manifests without a database."),
    "migrate": Command("fleetd.cli.migrate:migrate", "Rewrite removed v1alpha1 shapes to today's."),
    "eval": Command("fleetd.cli.eval_command:eval_", "What a source or check says of objects from files, and why."),
    "render": Command("fleetd.cli.render:render", "What triggers and profiles in files would put on which cluster."),
    "preview": Command("fleetd.cli.preview:preview", "What a change would do to the fleet now, and which triggers would fire next."),
    "test": Command("fleetd.cli.test_command:run_tests", "Run tests of manifests: given objects and clusters, what is expected of them."),
    "cluster.register": Command("fleetd.cli.register:register", "Make a cluster a member of the fleet."),
    "cluster.list": Command("fleetd.cli.cluster:list_", "Show the members, with what is not in order on them."),
    "cluster.describe": Command("fleetd.cli.cluster:describe", "One member, with what stands on it and what is wrong with it."),
    "cluster.label": Command("fleetd.cli.cluster:label", "Set and remove labels of a member: what selectors go by."),
    "cluster.pause": Command("fleetd.cli.cluster:pause", "Stop changing a member; it is still observed."),
    "cluster.resume": Command("fleetd.cli.cluster:resume", "Take a paused member up again."),
    "cluster.update-credentials": Command("fleetd.cli.register:update_credentials", "Give a member's new kubeconfig."),
    "cluster.deregister": Command(
        "fleetd.cli.cluster:deregister", "Take a member out of the fleet; what stands on it stays, or is withdrawn."
    ),
    "events": Command("fleetd.cli.state:events", "Events, or those that have not been acted on."),
    "drift": Command("fleetd.cli.state:drift", "What somebody else changed on clusters."),
    "addons": Command("fleetd.cli.state:addons", "What every profile put on every cluster, and how far it is."),
    "explain.trigger": Command("fleetd.cli.explain:trigger", "Why an EventTrigger has acted, or has not: its gates in order."),
    "explain.profile": Command("fleetd.cli.explain:profile", "Why a profile is deployed on a cluster, or is not."),
    "trace": Command("fleetd.cli.trace:trace", "Why something is there, back to the event; or what came of it."),
    "timeline": Command("fleetd.cli.timeline:timeline", "What happened around an object or on clusters, in one order."),
    "adopt": Command("fleetd.cli.ask:adopt", "Take over an object that another owner holds."),
    "requeue": Command("fleetd.cli.ask:requeue", "Make a profile try again everywhere, or let go on what is held back."),
    "pause": Command("fleetd.cli.act:pause", "Pause a cluster or a profile: nothing is written there."),
    "resume": Command("fleetd.cli.act:resume", "Resume what was paused."),
    "resync": Command("fleetd.cli.act:resync", "Read everything on a cluster anew."),
    "proposals.list": Command("fleetd.cli.proposals:list_", "Show proposals: what waits for a person, and how the others ended."),
    "proposals.show": Command("fleetd.cli.proposals:show_", "One proposal: what would go, since when, why, and who decided."),
    "proposals.approve": Command("fleetd.cli.proposals:approve", "Let a held loss follow."),
    "proposals.reject": Command("fleetd.cli.proposals:reject", "Say no to a held loss."),
    "approve": Command("fleetd.cli.proposals:approve", "Let a held loss follow: short for proposals approve."),
    "wait": Command("fleetd.cli.wait:wait", "Wait until the fleet, or one thing in it, is as wanted."),
    "audit": Command("fleetd.cli.audit:audit", "Who asked and decided what, and whether the record is whole."),
    "sql": Command("fleetd.cli.sql:sql", "Read-only SQL over the fleet_* views."),
    "views": Command("fleetd.cli.sql:views", "The views that SQL may read, and their columns."),
    "db.upgrade": Command("fleetd.cli.db:upgrade", "Bring the database to this program's schema."),
    "db.check": Command("fleetd.cli.db:check", "Check that everything in the database holds together."),
    "db.backup": Command("fleetd.cli.db:backup", "Copy a SQLite database while others write."),
    "db.grant": Command("fleetd.cli.db:grant", "Let a Postgres role read the views, and nothing else."),
    "db.usage": Command("fleetd.cli.db:usage", "What takes the room."),
    "version": Command("fleetd.cli.about:version", "Which fleetd this is."),
    "completion": Command("fleetd.cli.about:completion", "Shell completion."),
}
"""name → command; `a.b` is the command b of the group a."""
