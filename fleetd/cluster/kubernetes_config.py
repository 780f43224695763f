"""The one door to kubernetes-asyncio: its reading of kubeconfigs, without its thousand generated models.

Importing `kubernetes_asyncio.config` the plain way runs `kubernetes_asyncio/__init__.py`, which loads every model and API
class: 40 MB and two seconds of CPU for things fleetd never uses, since it speaks raw JSON. So the two packages on the way
are put in place as empty shells that only know where their files are, the modules that are wanted are imported, and the
shells are taken away again: whoever imports kubernetes_asyncio later gets the real one.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

ROOT = "kubernetes_asyncio"


def _import_lean() -> tuple[Any, Any, Any, Any]:
    spec = importlib.util.find_spec(ROOT)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{ROOT} is not installed")
    places = list(spec.submodule_search_locations)
    shells: dict[str, ModuleType] = {}
    for name, folder in ((ROOT, ""), (f"{ROOT}.client", "/client")):
        if name not in sys.modules:
            shell = ModuleType(name)
            shell.__path__ = [place + folder for place in places]
            sys.modules[name] = shells[name] = shell
    try:
        configuration = importlib.import_module(f"{ROOT}.client.configuration")
        client = shells.get(f"{ROOT}.client")
        if client is not None:
            client.__dict__.update(Configuration=configuration.Configuration, ApiClient=None)
        kube_config = importlib.import_module(f"{ROOT}.config.kube_config")
        openid = importlib.import_module(f"{ROOT}.config.openid")
        problem = importlib.import_module(f"{ROOT}.config.config_exception")
    finally:
        for name in shells:
            sys.modules.pop(name, None)
    return configuration.Configuration, kube_config.KubeConfigLoader, openid.OpenIDRequestor, problem.ConfigException


Configuration, KubeConfigLoader, OpenIDRequestor, ConfigException = _import_lean()
