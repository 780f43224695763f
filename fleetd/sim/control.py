"""Faults over HTTP: a port of its own on which the clusters of a fleet are listed, struck and healed."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from fleetd.domain.errors import InvalidInput
from fleetd.kubeapi.exchange import Request, Response
from fleetd.sim.answers import answer, refusal
from fleetd.sim.cluster import SimulatedCluster
from fleetd.sim.listener import Listener
from fleetd.sim.schedule import PlannedFault, parse_faults


class Control:
    """Listens on 127.0.0.1, for whoever is on this machine.

    `GET /clusters` lists them with what goes wrong; `POST /faults` takes what a file of faults holds, at once and until it is healed;
    `DELETE /faults?clusters=GLOB` heals.
    """

    def __init__(self, clusters: Mapping[str, SimulatedCluster]) -> None:
        self._clusters = clusters
        self._listener = Listener(self._serve)

    @property
    def url(self) -> str:
        return self._listener.url

    def open(self) -> None:
        self._listener.open()

    async def close(self) -> None:
        await self._listener.close()

    async def _serve(self, request: Request) -> Response:
        match request.method, request.path.rstrip("/"):
            case "GET", "/clusters":
                return answer(200, {"clusters": [self._shown(cluster) for cluster in self._clusters.values()]})
            case "POST", "/faults":
                return self._inject(request)
            case "DELETE", "/faults":
                struck = self._named(request.first("clusters") or "*")
                for cluster in struck:
                    cluster.heal()
                return answer(200, {"healed": [cluster.name for cluster in struck]})
            case _:
                return refusal(404, "NotFound", "there are GET /clusters, POST /faults and DELETE /faults")

    def _inject(self, request: Request) -> Response:
        if "json" not in request.headers.get("content-type", "") and "yaml" not in request.headers.get("content-type", ""):
            # A page in a browser can send plain text to this port, but neither of these.
            return refusal(415, "UnsupportedMediaType", "send application/json or application/yaml")
        try:
            planned = parse_faults(request.body.decode())
            if any(each.at or each.lasts is not None for each in planned):
                raise InvalidInput("what is asked for here begins at once and lasts until it is healed: leave out `at` and `for`")
        except (InvalidInput, UnicodeDecodeError) as error:
            return refusal(400, "BadRequest", str(error))
        return answer(200, {"struck": sorted({name for each in planned for name in self._strike(each)})})

    def _strike(self, planned: PlannedFault) -> list[str]:
        struck = self._named(planned.clusters)
        for cluster in struck:
            cluster.inject(planned.fault)
        return [cluster.name for cluster in struck]

    def _named(self, pattern: str) -> list[SimulatedCluster]:
        return [cluster for name, cluster in self._clusters.items() if fnmatchcase(name, pattern)]

    def _shown(self, cluster: SimulatedCluster) -> dict[str, object]:
        return {"name": cluster.name, "url": cluster.url, "faults": [fault.kind.value for fault in cluster.faults]}
