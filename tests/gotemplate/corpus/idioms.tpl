#--- label-block
labels:
  app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
  app.kubernetes.io/instance: {{ .Release.Name }}
  helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
#--- range-over-cluster-labels
{{- range $key, $value := .Cluster.metadata.labels }}
{{ $key }}: {{ $value | quote }}
{{- end }}
#--- toyaml-nindent
resources:
  {{- toYaml .Values.resources | nindent 2 }}
#--- with-toyaml
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
#--- with-else
{{- with .Values.tolerations }}
tolerations:
{{ toYaml . | indent 2 }}
{{- else }}
tolerations: []
{{- end }}
#--- env-list
env:
{{- range $name, $value := .Values.env }}
- name: {{ $name | upper | replace "-" "_" }}
  value: {{ $value | quote }}
{{- end }}
#--- ports-with-index
ports:
{{- range $i, $port := .Resource.spec.ports }}
{{- if $i }}
# port {{ add1 $i }} of {{ len $.Resource.spec.ports }}
{{- end }}
- name: {{ $port.name | default (printf "p-%d" $port.port) }}
  port: {{ $port.port }}
  protocol: {{ $port.protocol | default "TCP" }}
{{- end }}
#--- annotation-by-index
owner: {{ index .Cluster.metadata.annotations "example.com/owner" | default "nobody" | quote }}
#--- haskey-guard
{{- if hasKey .Cluster.metadata.labels "tier" }}
tier: {{ get .Cluster.metadata.labels "tier" | int }}
{{- else }}
tier: 0
{{- end }}
#--- dig-with-default
host: {{ dig "spec" "controlPlaneEndpoint" "host" "localhost" .Cluster }}
zone: {{ dig "spec" "placement" "zone" "none" .Cluster }}
#--- coalesce-chain
image: {{ coalesce .Values.image.digest .Values.image.tag .Chart.AppVersion "latest" }}
#--- default-chain
tag: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
#--- ternary-replicas
replicas: {{ eq .Cluster.metadata.labels.env "prod" | ternary 3 1 }}
#--- env-switch
{{- if eq .Cluster.metadata.labels.env "prod" }}
logLevel: warn
{{- else if has .Cluster.metadata.labels.env (list "stage" "test") }}
logLevel: info
{{- else }}
logLevel: debug
{{- end }}
#--- and-or-not
{{- if and .Values.ingress.enabled (or (eq .Cluster.metadata.labels.env "prod") (not .Cluster.spec.paused)) }}
exposed: true
{{- end }}
#--- cidr-join
cidrs: {{ join "," .Cluster.spec.clusterNetwork.pods.cidrBlocks }}
first: {{ first .Cluster.spec.clusterNetwork.pods.cidrBlocks }}
#--- cidr-range
{{- range .Cluster.spec.clusterNetwork.pods.cidrBlocks }}
- cidr: {{ . | quote }}
  size: {{ regexFind "[0-9]+$" . }}
{{- end }}
#--- image-parts
{{- $parts := splitList "/" (index .Resource.spec.containers 0).image }}
registry: {{ first $parts }}
image: {{ last $parts }}
depth: {{ len $parts }}
#--- image-split
{{- $image := split ":" (index .Resource.spec.containers 0).image }}
repository: {{ $image._0 }}
tag: {{ $image._1 | default "latest" }}
#--- containers
{{- range .Resource.spec.containers }}
- container: {{ .name }}
  image: {{ .image | quote }}
  {{- if .resources }}
  resources: {{- toYaml .resources | nindent 4 }}
  {{- end }}
{{- end }}
#--- container-env-nested
{{- range $c := .Resource.spec.containers }}
{{- range $e := $c.env }}
{{ $c.name }}.{{ $e.name }}={{ $e.value }}
{{- else }}
{{ $c.name }} has no variables
{{- end }}
{{- end }}
#--- secret-data
data:
{{- range $k, $v := .Resource.data }}
  {{ $k }}: {{ $v | b64enc }}
{{- end }}
#--- checksum
checksum/config: {{ toYaml .Values.config | sha256sum }}
short: {{ .Values.config | sha256sum | trunc 8 }}
sum1: {{ .Release.Name | sha1sum | substr 0 7 }}
adler: {{ .Release.Name | adler32sum }}
#--- b64-both-ways
enc: {{ b64enc .Resource.metadata.name }}
dec: {{ .Resource.metadata.name | b64enc | b64dec }}
b32: {{ b32enc .Resource.metadata.name | b32dec }}
#--- kube-version
{{- if semverCompare ">=1.21-0" .Cluster.status.version }}
apiVersion: policy/v1
{{- else }}
apiVersion: policy/v1beta1
{{- end }}
#--- semver-parts
{{- $v := semver .Cluster.status.version }}
major: {{ $v.Major }}
minor: {{ $v.Minor }}
text: {{ $v }}
next: {{ printf "%d.%d" $v.Major (add $v.Minor 1) }}
#--- semver-methods
newer: {{ (semver .Cluster.status.version).Compare (semver "1.25.0") }}
same: {{ (semver "1.2.3").Equal (semver "1.2.3") }}
less: {{ (semver "1.2.3").LessThan (semver .Cluster.status.version) }}
#--- regex-replace
slug: {{ regexReplaceAll "[^a-z0-9-]+" (.Resource.metadata.name | lower) "-" | trimAll "-" }}
#--- regex-groups
{{- $m := regexFindAll "[0-9]+" .Resource.metadata.name -1 }}
numbers: {{ $m | join "+" }}
swapped: {{ regexReplaceAll "^([a-z]+)-([a-z0-9]+)" .Resource.metadata.name "${2}-$1" }}
#--- regex-split
{{- range regexSplit "[-_.]" .Resource.metadata.name -1 }}
part: {{ . }}
{{- end }}
#--- date-fixed
{{- $t := toDate "2006-01-02T15:04:05Z07:00" (index .Cluster.status.conditions 0).lastTransitionTime }}
day: {{ $t | date "2006-01-02" }}
week: {{ $t | date "Mon, 02 Jan 2006 15:04 MST" }}
later: {{ $t | dateModify "36h" | date "2006-01-02T15:04:05Z07:00" }}
epoch: {{ $t | unixEpoch }}
berlin: {{ dateInZone "2006-01-02 15:04 MST" $t "Europe/Berlin" }}
html: {{ htmlDate $t }}
year: {{ $t.Year }}
formatted: {{ $t.Format "Jan _2" }}
#--- durations
a: {{ duration 3661 }}
b: {{ durationRound "26h" }}
c: {{ duration "95" }}
#--- numbers
sum: {{ add 1 2 3 }}
half: {{ div .Resource.spec.replicas 2 }}
rest: {{ mod .Resource.spec.replicas 2 }}
max: {{ max .Resource.spec.replicas 2 }}
percent: {{ mulf .Values.ratio 100 | int }}%
round: {{ round .Values.ratio 1 }}
ceil: {{ divf .Resource.spec.replicas 2 | ceil | int }}
#--- memory-arithmetic
{{- $mi := trimSuffix "Mi" .Values.resources.limits.memory | int }}
heap: {{ div (mul $mi 75) 100 }}m
limit: {{ printf "%dMi" $mi }}
#--- until-members
{{- range $i := until 3 }}
- {{ $.Release.Name }}-{{ $i }}.{{ $.Release.Name }}-headless.{{ $.Release.Namespace }}.svc
{{- end }}
#--- until-join
{{- $members := list }}
{{- range $i := until (int .Resource.spec.replicas) }}
{{- $members = append $members (printf "%s-%d:2380" $.Resource.metadata.name $i) }}
{{- end }}
initial-cluster: {{ join "," $members | quote }}
#--- untilstep
{{- range untilStep 10 30 5 }}
step {{ . }}
{{- end }}
seq: {{ seq 1 3 }} / {{ seq 0 2 6 }}
#--- merge-labels
{{- $base := dict "managed-by" "platform" "env" "unknown" }}
{{- $labels := merge (dict) .Cluster.metadata.labels $base }}
labels: {{- toYaml $labels | nindent 2 }}
#--- merge-overwrite
{{- $defaults := dict "limits" (dict "cpu" "100m" "memory" "64Mi") "requests" (dict "cpu" "10m") }}
{{- $all := mergeOverwrite (deepCopy $defaults) .Values.resources }}
{{ toYaml $all }}
#--- set-unset
{{- $d := dict "a" 1 }}
{{- $_ := set $d "name" .Resource.metadata.name }}
{{- $_ := unset $d "a" }}
{{ toJson $d }}
#--- pick-omit
picked: {{ pick .Cluster.metadata.labels "env" "region" | toJson }}
others: {{ omit .Cluster.metadata.labels "env" "region" | toJson }}
#--- pluck-values
names: {{ pluck "name" .Cluster.metadata .Resource.metadata | join "," }}
#--- keys-sorted
{{- range $k := keys .Cluster.metadata.labels | sortAlpha }}
{{ $k }}={{ get $.Cluster.metadata.labels $k }}
{{- end }}
#--- list-tools
{{- $l := list "b" "a" "c" "a" }}
uniq: {{ $l | uniq | join "," }}
sorted: {{ $l | sortAlpha | join "," }}
reverse: {{ reverse $l | join "," }}
without: {{ without $l "a" | join "," }}
has: {{ has "c" $l }}
slice: {{ slice $l 1 3 | join "," }}
rest: {{ rest $l | toJson }}
initial: {{ initial $l | toJson }}
compact: {{ compact (list "" "x" 0 1 nil) | toJson }}
chunk: {{ chunk 3 $l | toJson }}
concat: {{ concat $l (list 1 2) | toJson }}
prepend: {{ prepend $l "z" | toJson }}
#--- quoting
q: {{ .Values.weird | quote }}
s: {{ squote .Resource.metadata.name }}
j: {{ .Values.weird | toJson }}
h: {{ html .Values.weird }}
u: {{ urlquery .Values.weird }}
js: {{ js .Values.weird }}
v: {{ printf "%q" .Values.weird }}
#--- printf-strings
{{ printf "%s/%s" .Resource.metadata.namespace .Resource.metadata.name }}
{{ printf "%-20s|%20s|" .Resource.kind .Resource.metadata.name }}
{{ printf "%.3s %q %x %X" .Resource.kind .Resource.kind .Resource.kind .Resource.kind }}
#--- printf-numbers
{{ printf "%d %5d %-5d| %05d %+d %x %X %o %b %c %U" .Resource.spec.replicas .Resource.spec.replicas .Resource.spec.replicas .Resource.spec.replicas .Resource.spec.replicas 255 255 8 5 65 8364 }}
{{ printf "%f %.2f %8.3f %e %g %v" .Values.ratio .Values.ratio .Values.ratio .Values.ratio .Values.ratio .Values.ratio }}
#--- printf-any
{{ printf "%v %v %v %t" .Resource.spec.ports .Values.resources .Values.tolerations .Cluster.spec.paused }}
{{ printf "%T %T %T" .Resource.spec.replicas .Values.ratio .Resource.kind }}
{{ printf "%d%%" 5 }} {{ printf "%s" .Resource.spec.replicas }} {{ printf "%d" .Resource.kind }}
#--- printf-go-syntax
{{ printf "%#v" .Values.tolerations }}
{{ printf "%#v %+v" .Cluster.metadata.labels .Cluster.metadata.labels }}
#--- case-words
{{ .Resource.metadata.name | title }} {{ .Resource.metadata.name | camelcase }} {{ .Resource.kind | snakecase }} {{ .Resource.kind | kebabcase }} {{ untitle .Resource.kind }} {{ swapcase .Resource.kind }} {{ initials "ab cd" }}
#--- text-shaping
{{ .Values.sentence | wrap 20 }}
{{ .Values.sentence | trunc 12 }} {{ .Values.sentence | abbrev 15 }} {{ nospace .Values.sentence }}
{{ cat "a" .Release.Name 3 }} {{ repeat 3 "=-" }} {{ plural "one node" "many nodes" (len .Resource.spec.ports) }}
#--- trims
[{{ trim "  x " }}][{{ trimAll "/" "/a/b/" }}][{{ trimPrefix "pre-" "pre-x" }}][{{ trimSuffix ".git" "r.git" }}]
#--- contains-prefix
{{- if contains "eu" .Cluster.metadata.labels.region }}
gdpr: true
{{- end }}
{{- if hasPrefix "prod" .Cluster.metadata.name }}
critical: true
{{- end }}
suffix: {{ hasSuffix "1" .Cluster.metadata.name }}
#--- types
{{ kindOf .Resource.spec.ports }} {{ typeOf .Resource.spec.replicas }} {{ kindIs "map" .Values.resources }} {{ typeIs "string" .Resource.kind }} {{ kindOf .Cluster.spec.paused }} {{ kindIs "slice" .Values.tolerations }}
#--- deep-equal
{{ deepEqual .Values.resources (deepCopy .Values.resources) }} {{ deepEqual (list 1) (list 2) }}
#--- empties
{{ empty .Values.tolerations }} {{ empty .Cluster.metadata.labels }} {{ empty "" }} {{ empty 0 }} {{ all .Release.Name .Values.image.tag }} {{ any "" .Values.image.tag }}
#--- yaml-round-trip
{{- $parsed := fromYaml .Values.config }}
{{- range $k, $v := $parsed }}
{{ $k }} -> {{ $v | toJson }}
{{- end }}
#--- yaml-array
{{- range fromYamlArray "- one\n- {two: 2}\n- 3" }}
item {{ . | toJson }}
{{- end }}
#--- json-round-trip
{{ .Resource.spec.ports | toJson | fromJsonArray | toYaml }}
{{ .Values.resources | toPrettyJson }}
{{ .Values.resources | toRawJson }}
#--- toml
{{ toToml (dict "title" .Release.Name "server" (dict "port" 8080 "hosts" (list "a" "b"))) }}
#--- urls
{{- $u := urlParse "https://user@git.example.com:8443/org/repo.git?ref=main#readme" }}
host: {{ $u.host }}
path: {{ $u.path | base }}
again: {{ urlJoin $u }}
dir: {{ dir "/etc/app/conf.d/x.yaml" }} {{ ext "x.yaml" }} {{ clean "/a/../b" }} {{ isAbs "/x" }}
#--- ingress-ips
{{- range .Resource.status.loadBalancer.ingress }}
- {{ .ip }}/32
{{- else }}
# no address yet
{{- end }}
#--- break-and-continue
{{- range $i, $p := .Resource.spec.ports }}
{{- if eq $p.name "metrics" }}{{ continue }}{{ end }}
{{- if gt $i 1 }}{{ break }}{{ end }}
{{ $i }}:{{ $p.name }}
{{- end }}
#--- found-flag
{{- $found := false }}
{{- range .Cluster.status.conditions }}
{{- if and (eq .type "Ready") (eq .status "True") }}
{{- $found = true }}
{{- end }}
{{- end }}
ready: {{ $found }}
#--- counting
{{- $n := 0 }}
{{- range .Resources }}
{{- if eq .kind "Service" }}{{ $n = add $n 1 }}{{ end }}
{{- end }}
services: {{ $n }}
#--- grouping
{{- $groups := dict }}
{{- range .Resources }}
{{- $old := get $groups .metadata.namespace | default list }}
{{- $_ := set $groups .metadata.namespace (append $old .metadata.name) }}
{{- end }}
{{- range $ns, $names := $groups }}
{{ $ns }}: [{{ join ", " $names }}]
{{- end }}
#--- resources-as-yaml
{{- range .Resources }}
---
{{ toYaml (dict "apiVersion" .apiVersion "kind" .kind "metadata" (pick .metadata "name" "namespace")) }}
{{- end }}
#--- root-inside-range
{{- range $r := .Resources }}
{{ $.Cluster.metadata.name }}/{{ $r.metadata.namespace }}/{{ .metadata.name }}
{{- end }}
#--- with-variable
{{- with $m := .Resource.metadata }}
{{ $m.name }} in {{ .namespace }} of {{ $.Cluster.metadata.name }}
{{- end }}
#--- else-with
{{- with .Values.fullnameOverride }}
name: {{ . }}
{{- else with .Values.nameOverride }}
name: {{ $.Release.Name }}-{{ . }}
{{- else }}
name: {{ .Release.Name }}-{{ .Chart.Name }}
{{- end }}
#--- raw-strings
{{ `{{ $labels.instance }} is down` }}
expr: {{ `sum(rate(http_requests_total{job="x"}[5m])) by (le)` }}
#--- escaped-template
message: {{ "{{ .Cluster.metadata.name }}" }} and {{ "}}" }}
#--- comments-and-trims
{{- /* nothing of this is seen */ -}}
a {{- /* c */}} b
{{/* one */}}
c {{ "" -}}   d
#--- inline-if
x: {{ if .Cluster.spec.paused }}paused{{ else }}running{{ end }}
#--- nested-parens
{{ (index (index .Resource.spec.containers 0).env 0).name }}={{ (first (first .Resource.spec.containers).env).value }}
#--- number-compare
{{- if gt (int .Resource.spec.replicas) 1 }}
ha: true
{{- end }}
{{ lt .Values.ratio 1.0 }} {{ ge (len .Resources) 2 }} {{ ne .Resource.kind "Pod" }} {{ le 2 2 }}
#--- eq-many
{{ if eq .Cluster.metadata.labels.env "prod" "stage" "live" }}protected{{ else }}open{{ end }}
#--- toyaml-scalars
{{ range list "on" "1.0" "0x1F" "a: b" "- x" "" "null" "~" "x # y" "multi\nline\n" "tab\there" "é" "'q'" "1e3" "2020-01-01" "12:30:45" "*" "&a" "!t" "%" "@x" "`x`" ":x" "x:" "yes" }}
- {{ toYaml . }}
{{- end }}
#--- toyaml-deep
{{ toYaml (dict "a" (list (dict "b" (list 1 2 (dict "c" nil "d" true "e" 1.5))) (list) (dict)) "long" .Values.sentence "multi" .Values.config) }}
#--- indent-config
config.yaml: |
{{ .Values.config | indent 2 }}
other: |-
  {{- .Values.config | trim | nindent 2 }}
#--- split-n
{{- $p := splitn "-" 2 .Resource.metadata.name }}
{{ $p._0 }} {{ $p._1 }}
#--- substr
{{ substr 0 3 .Resource.metadata.name }} {{ substr 2 -1 .Resource.metadata.name }} {{ trunc -3 .Resource.metadata.name }}
#--- required-and-default
{{ required "a name is needed" .Resource.metadata.name }} {{ default "x" "" }} {{ default 5 0 }} {{ default (list 1) list | toJson }}
#--- int-conversion
{{ int "42" }} {{ int64 "7" }} {{ float64 "1.5" }} {{ toString 5 }} {{ atoi "12" }} {{ toDecimal "0644" }} {{ int 3.9 }} {{ toStrings (list 1 2) | join "-" }}
#--- tuple-iteration
{{- range tuple "dev" "stage" "prod" }}
namespace: {{ $.Release.Name }}-{{ . }}
{{- end }}
#--- list-of-maps
{{- range list (dict "n" "a" "p" 80) (dict "n" "b" "p" 443) }}
{{ .n }}:{{ .p }}
{{- end }}
#--- printed-lists
{{ list 1 "a" true nil 2.5 }} {{ dict "k" (list 1 2) "j" (dict "x" nil) }} {{ .Resource.spec.ports }}
#--- booleans
{{ not .Cluster.spec.paused }} {{ and true .Cluster.metadata.name }} {{ or "" 0 "last" }} {{ and 1 0 2 }}
#--- len-index
{{ len .Cluster.metadata.labels }} {{ len .Resource.metadata.name }} {{ index .Resource.spec.ports 0 "name" }} {{ index (list (list 1 2)) 0 1 }} {{ slice .Resource.metadata.name 1 3 }}
#--- print-family
{{ print 1 2 "a" "b" 3 }} {{ println "x" 1 }}{{ print .Cluster.spec.paused nil }}
