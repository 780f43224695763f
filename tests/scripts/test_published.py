"""Scripts in the manner of those that users publish: objects in, verdict out, in every place that takes Lua."""

from __future__ import annotations

from typing import Any

import pytest

from fleetd.scripts.places import Place
from fleetd.scripts.pool import ScriptPool

OLD, NEW = "2023-01-02T03:04:05Z", "2999-01-01T00:00:00Z"


def pod(name: str = "web", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "labels": {"app": name, "app.kubernetes.io/name": name}, "creationTimestamp": OLD}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "main", "image": "nginx:1.27"}]},
        **more,
    }


def deployment(name: str = "web", want: int = 3, available: int | None = 3) -> dict[str, Any]:
    status = {} if available is None else {"availableReplicas": available, "observedGeneration": 4}
    metadata = {"name": name, "namespace": "shop", "generation": 4}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": want}, "status": status}


def service(name: str, selector: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "annotations": {"share": "yes"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector or {"app": name}, **spec}}


SELECTORS: dict[str, tuple[str, list[tuple[dict[str, Any], bool, str]]]] = {
    "a label, found by looking through all of them": (
        """
        function evaluate()
          hs = {}
          hs.matching = false
          hs.message = ""
          if obj.metadata.labels ~= nil then
            for key, value in pairs(obj.metadata.labels) do
              if key == "app" then
                if value == "web" then
                  hs.matching = true
                end
              end
            end
          end
          return hs
        end
        """,
        [(pod(), True, ""), (pod("db"), False, ""), ({"metadata": {}}, False, "there is no obj.metadata.labels")],
    ),
    "the argument instead of the global": (
        "function evaluate(pod) return {matching = pod.spec.containers[1].image:match(':latest$') ~= nil} end",
        [(pod(), False, ""), (pod(spec={"containers": [{"image": "nginx:latest"}]}), True, "")],
    ),
    "fields in any case": (
        "function evaluate() return {Matching = true, MESSAGE = 'so it is'} end",
        [(pod(), True, "so it is")],
    ),
    "a load balancer with an address": (
        """
        local function address(status)
          local ingress = status and status.loadBalancer and status.loadBalancer.ingress
          return ingress and ingress[1] and (ingress[1].ip or ingress[1].hostname)
        end
        function evaluate()
          local found = address(obj.status)
          return {matching = obj.spec.type == "LoadBalancer" and found ~= nil, message = found}
        end
        """,
        [
            (
                service("a", type="LoadBalancer", ports=[]) | {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}},
                True,
                "10.0.0.1",
            ),
            (service("a", type="LoadBalancer") | {"status": {"loadBalancer": {}}}, False, "obj.status.loadBalancer.ingress"),
            (service("a", type="ClusterIP"), False, "obj.status"),
        ],
    ),
    "any port of a set": (
        """
        local wanted = { [80] = true, [443] = true }
        function evaluate()
          for _, port in ipairs(obj.spec.ports) do
            if wanted[port.port] then return { matching = true, message = "port " .. port.port } end
          end
          return { matching = false }
        end
        """,
        [(service("a", ports=[{"port": 8080}, {"port": 443}]), True, "port 443"), (service("a", ports=[{"port": 1}]), False, "")],
    ),
    "a job that is done": (
        """
        function evaluate()
          hs = {}
          hs.matching = false
          if obj.status ~= nil then
            if obj.status.completionTime ~= nil and obj.status.succeeded > 0 then
              hs.matching = true
            end
          end
          return hs
        end
        """,
        [({"status": {"completionTime": OLD, "succeeded": 1}}, True, ""), ({"status": {}}, False, "obj.status.completionTime")],
    ),
    "older than an hour, by os.time": (
        """
        function seconds(stamp)
          local y, mon, d, h, mi, s = string.match(stamp, "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z")
          return os.time({year = y, month = mon, day = d, hour = h, min = mi, sec = s})
        end
        function evaluate()
          local age = os.difftime(os.time(), seconds(obj.metadata.creationTimestamp))
          local created = os.date("!%Y-%m-%d", seconds(obj.metadata.creationTimestamp))
          return {matching = age > 3600, message = age > 3600 and "created " .. created}
        end
        """,
        [(pod(), True, "created 2023-01-02")],
    ),
    "stamps turned into seconds by gsub": (
        """
        function convert(stamp)
          local converted = string.gsub(stamp, '(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z', function(y, mon, d, h, mi, s)
            return os.time({ year = tonumber(y), month = tonumber(mon), day = tonumber(d),
                             hour = tonumber(h), min = tonumber(mi), sec = tonumber(s) })
          end)
          return converted
        end
        function evaluate()
          local created = convert(obj.metadata.creationTimestamp)
          return { matching = os.difftime(tonumber(created), 0) > 0, message = created }
        end
        """,
        [(pod(), True, "1672628645")],
    ),
    "goto as continue": (
        """
        function evaluate()
          for _, condition in ipairs(obj.status.conditions) do
            if condition.observedGeneration ~= obj.metadata.generation then goto continue end
            if condition.status == "True" then return {matching = true, message = condition.type} end
            ::continue::
          end
          return {matching = false}
        end
        """,
        [
            (
                {
                    "metadata": {"generation": 2},
                    "status": {
                        "conditions": [
                            {"type": "Old", "status": "True", "observedGeneration": 1},
                            {"type": "Ready", "status": "True", "observedGeneration": 2},
                        ]
                    },
                },
                True,
                "Ready",
            )
        ],
    ),
    "a restarting container": (
        """
        function evaluate()
          local statuses = obj.status and obj.status.containerStatuses or {}
          for i = 1, #statuses do
            local waiting = statuses[i].state and statuses[i].state.waiting
            if waiting and waiting.reason == "CrashLoopBackOff" and statuses[i].restartCount >= 3 then
              return {matching = true, message = string.format("%s restarted %d times", statuses[i].name, statuses[i].restartCount)}
            end
          end
          return {matching = false}
        end
        """,
        [
            (
                pod(
                    status={
                        "containerStatuses": [{"name": "main", "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
                    }
                ),
                True,
                "main restarted 7 times",
            ),
            (pod(), False, "there is no obj.status"),
        ],
    ),
    "a certificate that expires, with text comparison": (
        """
        function evaluate()
          local now = os.date("!%Y-%m-%dT%H:%M:%SZ")
          return {matching = obj.status.notAfter < now, message = "until " .. obj.status.notAfter}
        end
        """,
        [({"status": {"notAfter": OLD}}, True, f"until {OLD}"), ({"status": {"notAfter": NEW}}, False, f"until {NEW}")],
    ),
    "numbers of Kubernetes' quantities": (
        """
        local units = { Ki = 2^10, Mi = 2^20, Gi = 2^30, Ti = 2^40 }
        local function bytes(quantity)
          local number, unit = quantity:match("^(%d+%.?%d*)(%a*)$")
          return tonumber(number) * (units[unit] or 1)
        end
        function evaluate()
          local total = 0
          for _, container in ipairs(obj.spec.containers) do
            total = total + bytes(container.resources.requests.memory)
          end
          return { matching = total >= bytes("1Gi"), message = tostring(total) }
        end
        """,
        [
            (
                pod(spec={"containers": [{"resources": {"requests": {"memory": m}}} for m in ("512Mi", "1.5Gi", "16Ti")]}),
                True,
                "17594333528064",
            )
        ],
    ),
    "an annotation with a JSON text": (
        """
        local json = require("json")
        function evaluate()
          local config = json.decode(obj.metadata.annotations["example.com/config"])
          return { matching = config.enabled and #config.hosts > 1, message = json.encode(config) }
        end
        """,
        [
            (
                {"metadata": {"annotations": {"example.com/config": '{"hosts": ["a", "b"], "enabled": true, "n": 1.0}'}}},
                True,
                '{"enabled":true,"hosts":["a","b"],"n":1}',
            )
        ],
    ),
    "sveltos' helpers": (
        """
        local strings = require("strings")
        function evaluate()
          local team = getLabel(obj, "team") or "nobody"
          return {
            matching = strings.HasPrefix(obj.metadata.name, "web") and getAnnotation(obj, "none") == nil,
            message = strings.ToUpper(team) .. " " .. strings.Join(strings.Split(obj.metadata.name, "-"), "/") .. " " .. base64Encode(team),
          }
        end
        """,
        [({"metadata": {"name": "web-1-a", "labels": {"team": "shop"}}}, True, "SHOP web/1/a c2hvcA==")],
    ),
    "go's verb and a value of any type": (
        "function evaluate() return {matching = true, message = string.format('%v %s %d%% %t', obj.spec.replicas, nil, 42, true)} end",
        [(deployment(), True, "3 nil 42% true")],
    ),
    "the order of pairs": (
        """
        function evaluate()
          local parts = {}
          for key, value in pairs(obj.metadata.labels) do parts[#parts + 1] = key .. "=" .. value end
          return { matching = true, message = table.concat(parts, ",") }
        end
        """,
        [({"metadata": {"labels": {"z": "1", "a": "2", "m": "3"}}}, True, "a=2,m=3,z=1")],
    ),
    "sorted by a rule that contradicts itself": (
        """
        function evaluate()
          local names = {}
          for _, c in ipairs(obj.spec.containers) do table.insert(names, c.name) end
          table.sort(names, function(a, b) return a <= b end)
          return { matching = #names == table.getn(names), message = table.concat(names, " ") }
        end
        """,
        [(pod(spec={"containers": [{"name": name} for name in "dbcaabcadbcabdbca"]}), True, " ".join(sorted("dbcaabcadbcabdbca")))],
    ),
    "an error that is caught": (
        """
        function evaluate()
          local ok, problem = pcall(function() return obj.spec.replicas.x.y end)
          return { matching = not ok, message = type(problem) }
        end
        """,
        [(pod(), True, "string")],
    ),
    "globals from the body of the script": (
        """
        threshold = 2
        local function above(value) return value ~= nil and value > threshold end
        function check(value) return above(value) end
        function evaluate() return { matching = check(obj.spec.replicas), message = "" } end
        """,
        [(deployment(), True, ""), (deployment(want=1), False, "")],
    ),
    "lists of numbers and lists of lists": (
        """
        function evaluate()
          local sum = 0
          for _, group in ipairs(obj.groups) do for _, number in ipairs(group) do sum = sum + number end end
          return { matching = sum == 10, message = tostring(unpack(obj.groups[1])) }
        end
        """,
        [({"groups": [[1, 2], [3, 4], []]}, True, "1")],
    ),
}
REPLICAS = """
function evaluate()
  local statuses = {}
  for _, resource in ipairs(resources) do
    local available = resource.status ~= nil and resource.status.availableReplicas or 0
    if resource.spec.replicas == 0 then
      table.insert(statuses, {resource = resource, status = "Suspended"})
    elseif available == resource.spec.replicas then
      table.insert(statuses, {resource = resource, status = "Healthy", message = "All replicas " .. available .. " are healthy"})
    elseif available > 0 then
      table.insert(statuses, {resource = resource, status = "Progressing", message = "expected " .. resource.spec.replicas})
    else
      table.insert(statuses, {resource = resource, status = "Degraded", message = "none", reEvaluate = true})
    end
  end
  local hs = {}
  if #statuses > 0 then hs.resources = statuses end
  return hs
end
"""
UNUSED = """
function key(namespace, name) return namespace .. "/" .. name end
function evaluate()
  local used, configs, unused = {}, {}, {}
  for _, resource in ipairs(resources) do
    if resource.kind == "Pod" then
      for _, volume in ipairs(resource.spec.volumes or {}) do
        if volume.configMap ~= nil then used[key(resource.metadata.namespace, volume.configMap.name)] = true end
      end
    elseif resource.kind == "ConfigMap" then
      table.insert(configs, resource)
    end
  end
  for _, config in ipairs(configs) do
    if not used[key(config.metadata.namespace, config.metadata.name)] then table.insert(unused, config) end
  end
  return {resources = unused, message = #unused .. " unused"}
end
"""
ORPHANS = """
local function equal(one, other)
  for k, v in pairs(one) do if other[k] ~= v then return false end end
  for k in pairs(other) do if one[k] == nil then return false end end
  return true
end
function evaluate(all)
  local hs = { resources = {} }
  for _, s in ipairs(all) do
    local matched = false
    for _, p in ipairs(all) do
      if s.kind == "Service" and p.kind == "Pod" and equal(s.spec.selector, {app = p.metadata.labels.app}) then matched = true break end
    end
    if s.kind == "Service" and not matched then hs.resources[#hs.resources + 1] = s end
  end
  return hs
end
"""
SECRET = """
local json = require("json")
function evaluate()
  local secret = getResource(resources, "ExternalSecret")
  print(secret.metadata.name)
  local copy = {
    apiVersion = "v1", kind = "Secret",
    metadata = { name = secret.metadata.name, namespace = secret.metadata.namespace },
    data = secret.data,
  }
  local hs = {}
  hs.resources = json.encode(copy)
  return hs
end
"""
TEMPLATED = """
function evaluate()
  local out = ""
  for _, name in ipairs({"a", "b"}) do
    out = out .. [[
apiVersion: v1
kind: Namespace
metadata:
  name: ]] .. name .. [[

---
]]
  end
  return {resources = out}
end
"""
YAML = """
local json = require("json")
function evaluate()
  local doc = json.fromYAML("kind: ConfigMap\\ndata:\\n  a: 'yes'\\n  b: \\"1e3\\"\\n  list: |\\n    one\\n    two\\n")
  doc.metadata = {name = "made", labels = {}, finalizers = {}}
  doc.data.port = tostring(8080)
  return {resources = json.toYAML(doc)}
end
"""
BY_CONFIG = """
function evaluate(resources)
  local result = {}
  for _, cm in ipairs(resources) do
    if cm.data.clusterName ~= nil then
      table.insert(result, {namespace = cm.data.clusterNamespace, name = cm.data.clusterName, kind = "Cluster"})
    end
  end
  return result
end
"""
CONFIG = {"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, "data": {"clusterNamespace": "a", "clusterName": "b"}}
POD = pod(spec={"volumes": [{"name": "v", "configMap": {"name": "c"}}]})
GROUPED = [deployment("a"), deployment("b", available=None), deployment("c", available=1), deployment("d", want=0)]

PLACES: list[tuple[str, Place, str, Any, Any]] = [
    (
        "health of deployments",
        Place.HEALTH,
        REPLICAS,
        GROUPED,
        {
            "resources": [
                {"resource": GROUPED[0], "status": "Healthy", "message": "All replicas 3 are healthy", "reEvaluate": False},
                {"resource": GROUPED[1], "status": "Degraded", "message": "none", "reEvaluate": True},
                {"resource": GROUPED[2], "status": "Progressing", "message": "expected 3", "reEvaluate": False},
                {"resource": GROUPED[3], "status": "Suspended", "message": "", "reEvaluate": False},
            ]
        },
    ),
    ("health of nothing", Place.HEALTH, REPLICAS, [], {"resources": []}),
    ("config maps that no pod mounts", Place.AGGREGATED_SELECTION, UNUSED, [CONFIG, POD], {"resources": [], "message": "0 unused"}),
    ("a config map alone", Place.AGGREGATED_SELECTION, UNUSED, [CONFIG], {"resources": [CONFIG], "message": "1 unused"}),
    (
        "services without pods, by the argument",
        Place.AGGREGATED_SELECTION,
        ORPHANS,
        [pod(), service("web"), service("db")],
        {"resources": [service("db")], "message": ""},
    ),
    (
        "many pods classify a cluster",
        Place.AGGREGATED_CLASSIFICATION,
        "function evaluate() return {matching = #resources >= 2, message = tostring(#resources)} end",
        [pod(), pod("b")],
        {"matching": True, "message": "2"},
    ),
    (
        "a namespace must be there",
        Place.CLUSTER_CHECK,
        "function evaluate()\n  hs = {}\n  hs.pass = false\n  if #resources == 1 then\n    hs.pass = true\n  end\n  return hs\nend",
        [{"kind": "Namespace"}],
        {"pass": True, "message": ""},
    ),
    (
        "replicas are there",
        Place.VALIDATE_HEALTH,
        "function evaluate() local hs = {healthy = false, message = 'not yet'} "
        "if obj.status and obj.status.availableReplicas == obj.spec.replicas then hs.healthy = true end return hs end",
        {"obj": deployment(), "metrics": {}},
        {"healthy": True, "message": "not yet"},
    ),
    (
        "an error rate, without an object",
        Place.VALIDATE_HEALTH,
        "function evaluate() if metrics['errorRate'] > 0.05 then return {healthy = false, message = 'rate ' .. metrics.errorRate} end "
        "return {healthy = true} end",
        {"metrics": {"errorRate": 0.25}},
        {"healthy": False, "message": "rate 0.25"},
    ),
    ("clusters named by config maps", Place.CLASSIFICATION, BY_CONFIG, [CONFIG], [{"namespace": "a", "name": "b", "kind": "Cluster"}]),
    ("clusters of nothing", Place.CLASSIFICATION, BY_CONFIG, [], []),
    (
        "a secret carried over",
        Place.POLICY,
        SECRET,
        {"ExternalSecret": {"metadata": {"name": "s", "namespace": "n"}, "data": {"k": "dg=="}}},
        {"resources": '{"apiVersion":"v1","data":{"k":"dg=="},"kind":"Secret","metadata":{"name":"s","namespace":"n"}}'},
    ),
    (
        "documents put together as text",
        Place.POLICY,
        TEMPLATED,
        {},
        {"resources": "".join(f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n---\n" for name in "ab")},
    ),
    (
        "yaml read, changed and written",
        Place.POLICY,
        YAML,
        {},
        {
            "resources": "data:\n  a: 'yes'\n  b: '1e3'\n  list: |\n    one\n    two\n  port: '8080'\nkind: ConfigMap\n"
            "metadata:\n  finalizers: []\n  labels: {}\n  name: made\n"
        },
    ),
]


@pytest.mark.parametrize("name", SELECTORS)
async def test_a_selector_says_of_each_object_what_its_author_meant(pool: ScriptPool, name: str) -> None:
    script, cases = SELECTORS[name]
    for body, matching, message in cases:
        answer, said = await pool.evaluate(script, body)
        assert (answer, said if matching else message in said) == (matching, message if matching else True)


@pytest.mark.parametrize(("name", "place", "script", "given", "expected"), PLACES, ids=[case[0] for case in PLACES])
async def test_every_other_place_takes_what_its_authors_write(
    pool: ScriptPool, name: str, place: Place, script: str, given: Any, expected: Any
) -> None:
    result = await pool.call(script, place, given)
    assert (result.sentence, result.value) == ("", expected)


@pytest.mark.parametrize(
    ("place", "script", "said"),
    [
        (
            Place.HEALTH,
            "return {resources = {{resource = {}, healthStatus = 'Healthy'}}}",
            "resources[1] has no status; evaluate() must return",
        ),
        (Place.HEALTH, "return {resources = {{resource = {}, status = 'OK'}}}", 'the text "OK" and none of Healthy, Progressing, Degraded'),
        (Place.HEALTH, "return {resources = {{status = 'Healthy'}}}", "resources[1] has no resource"),
        (Place.HEALTH, "return {resources = 'all'}", 'resources is the text "all" and not a list'),
        (Place.AGGREGATED_SELECTION, "return {resources = {{metadata = {}}}}", "resources[1] has no kind"),
        (Place.AGGREGATED_SELECTION, "return {resources = {'a'}}", 'resources[1] is the text "a" and not an object'),
        (Place.CLASSIFICATION, "return {{namespace = 'a', kind = 'Cluster'}}", "entry 1 of the result has no name"),
        (Place.CLASSIFICATION, "return {namespace = 'a'}", "the result is a table and not a list"),
        (
            Place.POLICY,
            "return {resources = {kind = 'Pod'}}",
            'resources is a table and not a text; evaluate() must return {resources = "YAML',
        ),
        (Place.CLUSTER_CHECK, "return {pass = 1}", "pass is a number and not a boolean; evaluate() must return {pass = true"),
        (Place.VALIDATE_HEALTH, "return 'fine'", "evaluate() returned a string; it must return {healthy = true"),
    ],
)
async def test_a_result_of_another_shape_is_told_which_shape_is_right(pool: ScriptPool, place: Place, script: str, said: str) -> None:
    result = await pool.call(f"function evaluate() {script} end", place, [])
    assert said in result.error


async def test_a_field_of_another_place_is_pointed_out_where_the_verdict_is_no(pool: ScriptPool) -> None:
    result = await pool.call("function evaluate() return {result = true} end", Place.CLUSTER_CHECK, [])
    assert result.value == {"pass": False, "message": ""}
    assert result.explanation == 'the result has result and no pass; evaluate() returns {pass = true, message = "why"} here'
