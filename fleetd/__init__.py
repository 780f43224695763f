"""fleetd: when this happens in one Kubernetes cluster, configure those clusters.

Floors, imports going down only (checked by import-linter)::

    4  cli · tui · mcp_server          faces
    3  daemon · agent                  assembly
    2  engine · service                act · ask
    1  cluster · sources · scripts · decide · store    know
    0  domain · settings               words

Beside them stand ``kubeapi`` (Kubernetes API machinery with storage as a port) and ``sim`` (simulated clusters on it).
The way of one event: cluster/watching → engine/observer → decide/observe → decide/report → decide/match →
decide/instantiate → decide/schedule → store (one commit) → engine/deliverer → decide/plan → cluster/applying → store.
"""

__version__ = "0.1.0"
