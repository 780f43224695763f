#--- network-policy
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: front-{{ .Resource.metadata.name }}
  namespace: {{ .Resource.metadata.namespace }}
spec:
  podSelector:
    matchLabels:
      {{- range $key, $value := .Resource.spec.selector }}
      {{ $key }}: {{ $value }}
      {{- end }}
  ingress:
  - from:
    - namespaceSelector: {}
    ports:
    {{- range .Resource.spec.ports }}
    - port: {{ .port }}
      protocol: {{ .protocol | default "TCP" | upper }}
    {{- end }}
#--- endpoint-slices
{{- $service := .Resource }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $service.metadata.name }}
  namespace: {{ $service.metadata.namespace }}
spec:
  ports:
  {{- range $service.spec.ports }}
  - name: {{ .name }}
    port: {{ .port }}
    targetPort: {{ .targetPort | default .port }}
  {{- end }}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {{ $service.metadata.name }}-{{ .Cluster.metadata.name | trunc 20 | trimSuffix "-" }}
  labels:
    kubernetes.io/service-name: {{ $service.metadata.name }}
addressType: IPv4
endpoints:
{{- range $service.status.loadBalancer.ingress }}
- addresses: [{{ .ip | quote }}]
  conditions: {ready: true}
{{- end }}
#--- namespace-per-resource
{{- range $resource := .Resources }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: seen-{{ $resource.kind | lower }}-{{ $resource.metadata.name }}
  namespace: {{ $resource.metadata.namespace }}
  labels:
    cluster: {{ $.Cluster.metadata.name }}
data:
  labels: {{ $resource.metadata.labels | toJson | quote }}
---
{{- end }}
#--- kyverno-escape
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: require-labels-{{ .Cluster.metadata.labels.env }}
spec:
  rules:
  - name: check
    validate:
      message: "label for {{`{{ request.object.metadata.name }}`}} is missing"
      pattern:
        metadata:
          labels:
            region: {{ .Cluster.metadata.labels.region | quote }}
#--- prometheus-rule
groups:
- name: {{ .Cluster.metadata.name }}.rules
  rules:
  {{- range $i, $severity := list "warning" "critical" }}
  - alert: High{{ $severity | title }}
    expr: {{ printf `rate(errors_total{cluster="%s"}[5m]) > %d` $.Cluster.metadata.name (mul (add1 $i) 10) }}
    labels: {severity: {{ $severity }}}
    annotations:
      summary: '{{ "{{ $labels.pod }}" }} in {{ $.Cluster.metadata.labels.region }}'
  {{- end }}
#--- cilium-values
cluster:
  name: {{ .Cluster.metadata.name }}
  id: {{ .Cluster.metadata.labels.tier | int | add 100 }}
k8sServiceHost: {{ .Cluster.spec.controlPlaneEndpoint.host }}
k8sServicePort: {{ .Cluster.spec.controlPlaneEndpoint.port }}
ipam:
  operator:
    clusterPoolIPv4PodCIDRList:
    {{- range $cidr := .Cluster.spec.clusterNetwork.pods.cidrBlocks }}
    - {{ $cidr }}
    {{- end }}
hubble:
  enabled: {{ ne .Cluster.metadata.labels.env "prod" }}
#--- calico-values
installation:
  calicoNetwork:
    ipPools:
    {{ range $cidr := .Cluster.spec.clusterNetwork.pods.cidrBlocks }}
      - cidr: {{ $cidr }}
        encapsulation: VXLAN
    {{ end }}
#--- autoscaler-values
autoDiscovery:
  clusterName: {{ .Cluster.metadata.name }}
  labels:
  - namespace: {{ .Cluster.metadata.namespace }}
extraArgs:
  v: {{ if eq .Cluster.metadata.labels.env "prod" }}2{{ else }}4{{ end }}
  balance-similar-node-groups: "{{ not .Cluster.spec.paused }}"
  expander: {{ list "priority" "least-waste" | join "," | quote }}
#--- deployment
{{- $name := printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- $labels := dict "app.kubernetes.io/name" .Chart.Name "app.kubernetes.io/instance" .Release.Name }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- toYaml $labels | nindent 4 }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- toYaml $labels | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum/config: {{ .Values.config | sha256sum }}
      labels:
        {{- toYaml $labels | nindent 8 }}
    spec:
      containers:
      - name: {{ .Chart.Name }}
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        env:
        {{- range $key, $value := .Values.env }}
        - name: {{ $key }}
          value: {{ $value | quote }}
        {{- end }}
        ports:
        - name: http
          containerPort: {{ .Values.service.port }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
      {{- with .Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
#--- ingress
{{- if .Values.ingress.enabled -}}
{{- $fullName := printf "%s-web" .Release.Name -}}
{{- $svcPort := .Values.service.port -}}
{{- if semverCompare ">=1.19-0" .Cluster.status.version -}}
apiVersion: networking.k8s.io/v1
{{- else -}}
apiVersion: networking.k8s.io/v1beta1
{{- end }}
kind: Ingress
metadata:
  name: {{ $fullName }}
  {{- with .Values.ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  ingressClassName: {{ .Values.ingress.className }}
  {{- if .Values.ingress.tls }}
  tls:
    {{- range .Values.ingress.tls }}
    - hosts:
        {{- range .hosts }}
        - {{ . | quote }}
        {{- end }}
      secretName: {{ .secretName }}
    {{- end }}
  {{- end }}
  rules:
    {{- range .Values.ingress.hosts }}
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path }}
            pathType: {{ .pathType | default "Prefix" }}
            backend:
              service:
                name: {{ $fullName }}
                port:
                  number: {{ $svcPort }}
          {{- end }}
    {{- end }}
{{- end }}
#--- hpa
{{- if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .Release.Name }}
spec:
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ max .Values.autoscaling.minReplicas .Values.autoscaling.maxReplicas }}
  metrics:
  {{- range $metric, $target := dict "cpu" 80 "memory" 70 }}
  - type: Resource
    resource: {name: {{ $metric }}, target: {type: Utilization, averageUtilization: {{ $target }}}}
  {{- end }}
{{- else }}
# replicas are fixed at {{ .Values.replicaCount }}
{{- end }}
#--- named-templates
{{- define "chart.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "chart.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}
{{- define "chart.labels" -}}
app.kubernetes.io/name: {{ template "chart.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
{{- end }}
kind: ServiceAccount
metadata:
  name: {{ template "chart.fullname" . }}
  labels:
    {{ template "chart.labels" . }}
#--- recursive-tree
{{- define "tree" }}
{{- range $k, $v := .map }}
{{ $.pad }}{{ $k }}{{ if kindIs "map" $v }}/{{ template "tree" (dict "map" $v "pad" (print $.pad "  ")) }}{{ else }}={{ $v }}{{ end }}
{{- end }}
{{- end }}
{{- template "tree" (dict "map" .Values.resources "pad" "") }}
#--- list-of-dicts-template
{{- define "probe" -}}
{{ .kind }}Probe:
  httpGet: {path: {{ .path | quote }}, port: {{ .port }}}
  periodSeconds: {{ .period | default 10 }}
{{- end -}}
{{- range list (dict "kind" "liveness" "path" "/healthz" "port" 8080 "period" 0) (dict "kind" "readiness" "path" "/ready" "port" 8081 "period" 5) }}
{{ template "probe" . }}
{{- end }}
#--- block-with-default
{{- block "header" . }}# made for {{ .Cluster.metadata.name }}{{ end }}
kind: {{ block "kind" .Resource }}{{ .kind }}{{ end }}
#--- rbac
{{- range $team, $namespaces := dict "blue" (list "b1" "b2") "green" (list "g1") }}
{{- range $ns := $namespaces }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $team }}-edit
  namespace: {{ $ns }}
subjects:
- kind: Group
  name: {{ printf "oidc:%s" $team | quote }}
roleRef: {kind: ClusterRole, name: {{ ternary "admin" "edit" (eq $.Cluster.metadata.labels.env "dev") }}}
{{- end }}
{{- end }}
#--- resource-quota
{{- $tier := .Cluster.metadata.labels.tier | int }}
{{- $cpu := mul 4 (add1 $tier) }}
apiVersion: v1
kind: ResourceQuota
metadata: {name: team, namespace: {{ .Resource.metadata.namespace }}}
spec:
  hard:
    requests.cpu: {{ $cpu | quote }}
    limits.cpu: {{ mul 2 $cpu | quote }}
    requests.memory: {{ printf "%dGi" (mul 2 $cpu) }}
    pods: {{ min 110 (mul $cpu 10) | quote }}
#--- secret-copy
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Resource.metadata.name }}
  namespace: {{ .Resource.metadata.namespace }}
  annotations:
    copied-from: {{ .Cluster.metadata.namespace }}/{{ .Cluster.metadata.name }}
type: Opaque
data:
{{- range $key, $value := .Resource.data }}
  {{ $key }}: {{ printf "%s" $value | b64enc | quote }}
{{- end }}
#--- crossplane-bucket
apiVersion: s3.aws.upbound.io/v1beta1
kind: Bucket
metadata:
  name: {{ printf "%s-%s-%s" .Cluster.metadata.name .Resource.metadata.namespace .Resource.metadata.name | lower | replace "_" "-" | trunc 63 | trimSuffix "-" }}
spec:
  forProvider:
    region: {{ .Cluster.metadata.labels.region }}
    tags:
      {{- range $k, $v := omit .Cluster.metadata.labels "tier" }}
      {{ $k | replace "/" "_" }}: {{ $v | quote }}
      {{- end }}
#--- cert-manager
{{- $hosts := list }}
{{- range .Values.ingress.hosts }}{{ $hosts = append $hosts .host }}{{ end }}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ .Release.Name }}-tls
spec:
  dnsNames: {{ $hosts | uniq | toJson }}
  commonName: {{ first $hosts }}
  issuerRef:
    name: {{ eq .Cluster.metadata.labels.env "prod" | ternary "letsencrypt" "selfsigned" }}
  duration: {{ printf "%dh" (mul 24 90) }}
#--- istio-service-entry
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: {{ .Resource.metadata.name }}-{{ .Cluster.metadata.name }}
spec:
  hosts:
  - {{ .Resource.metadata.name }}.{{ .Resource.metadata.namespace }}.{{ .Cluster.metadata.name }}.mesh
  ports:
  {{- range $p := .Resource.spec.ports }}
  - {number: {{ $p.port }}, name: {{ $p.name }}, protocol: {{ if eq (int $p.port) 443 }}TLS{{ else if hasPrefix "http" $p.name }}HTTP{{ else }}TCP{{ end }}}
  {{- end }}
  endpoints:
  {{- range .Resource.status.loadBalancer.ingress }}
  - address: {{ .ip }}
  {{- end }}
#--- external-dns
{{- $zone := printf "%s.example.com" .Cluster.metadata.labels.region }}
{{- range $i, $in := .Resource.status.loadBalancer.ingress }}
- dnsName: {{ $.Resource.metadata.name }}{{ if $i }}-{{ $i }}{{ end }}.{{ $zone }}
  targets: [{{ $in.ip | squote }}]
  recordTTL: {{ ternary 60 300 (gt $i 0) }}
{{- end }}
#--- argo-application
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ .Release.Name }}-{{ .Cluster.metadata.name }}
spec:
  source:
    helm:
      values: |
        {{- dict "cluster" .Cluster.metadata.name "labels" .Cluster.metadata.labels | toYaml | nindent 8 }}
  destination:
    server: {{ printf "https://%s:%v" .Cluster.spec.controlPlaneEndpoint.host .Cluster.spec.controlPlaneEndpoint.port | quote }}
#--- condition-table
{{- range .Cluster.status.conditions }}
{{ printf "%-12s %-6s %s" .type .status (.message | default "-") }}
{{- end }}
#--- jobs-by-tier
{{- range $tier := until (add1 (int .Cluster.metadata.labels.tier) | int) }}
---
kind: Job
metadata: {name: warmup-{{ $tier }}-{{ $.Cluster.metadata.name | sha256sum | trunc 6 }}}
{{- end }}
#--- argument-list
args:
{{- range .Values.extraArgs }}
- --{{ . }}
{{- end }}
{{- range $k, $v := dict "log-level" "info" "zone" .Cluster.metadata.labels.region }}
- {{ printf "--%s=%v" $k $v | quote }}
{{- end }}
#--- matrix
{{- range $i, $row := list (list 1 2 3) (list 4 5 6) }}
{{- range $j, $cell := $row }}{{ if $j }} {{ end }}{{ mul $cell (add1 $i) }}{{ end }}
{{ end }}
#--- inherited-limits
{{- $limits := .Values.resources.limits | default dict }}
limits:
{{- range $k := list "cpu" "memory" "ephemeral-storage" }}
  {{ $k }}: {{ get $limits $k | default "none" }}
{{- end }}
#--- annotations-filtered
annotations:
{{- range $k, $v := .Cluster.metadata.annotations }}
{{- if and (not (hasPrefix "kubectl" $k)) (regexMatch "^[a-z]" $k) }}
  {{ $k }}: {{ $v | quote }}
{{- end }}
{{- end }}
#--- fallback-names
{{- $owner := index .Cluster.metadata.annotations "example.com/owner" }}
{{- $mail := ternary $owner (printf "%s@example.com" $owner) (contains "@" $owner) }}
owner: {{ $mail | default "nobody@example.com" }}
team: {{ (index (splitList "@" $mail) 0) | title }}
#--- deep-navigation
{{- with .Cluster }}{{ with .spec }}{{ with .controlPlaneEndpoint }}
endpoint: {{ .host }}:{{ .port }} of {{ $.Cluster.metadata.name }}
{{- end }}{{ end }}{{ end }}
#--- while-like
{{- $left := int .Resource.spec.replicas }}
{{- range until 10 }}
{{- if le $left 0 }}{{ break }}{{ end }}
{{- $left = sub $left 2 | int }}
left {{ $left }}
{{- end }}
#--- flow-yaml
spec: {replicas: {{ .Resource.spec.replicas }}, paused: {{ .Cluster.spec.paused }}, labels: {{ toJson .Resource.metadata.labels }}}
#--- crd-style
{{- $ports := list }}
{{- range .Resource.spec.ports }}
{{- $ports = append $ports (dict "name" .name "number" (int64 .port) "tls" (eq (int .port) 443)) }}
{{- end }}
{{ toYaml (dict "spec" (dict "listeners" $ports "class" "public")) }}
#--- multi-line-secret
stringData:
  application.properties: |
    {{- range $k, $v := .Values.env }}
    {{ $k | lower | replace "_" "." }}={{ $v }}
    {{- end }}
  raw: {{ .Values.config | toJson }}
#--- nothing-to-do
{{- if eq .Resource.kind "Nope" }}
never: true
{{- end }}
#--- literal-only
apiVersion: v1
kind: Namespace
metadata:
  name: fixed
#--- whitespace-heavy
{{ if true }}

  kept

{{- end }}

   {{- "x" }}   y   {{ "z" -}}   

end
#--- deep-merge-values
{{- $a := dict "l" (list 1) "m" (dict "x" 1 "y" (dict "z" 1)) "s" "" }}
{{- $b := dict "l" (list 2) "m" (dict "x" 2 "y" (dict "w" 2)) "s" "b" "n" nil }}
{{ merge (deepCopy $a) $b | toYaml }}
---
{{ mergeOverwrite (deepCopy $a) $b | toYaml }}
#--- dig-and-get
{{ dig "a" "b" "c" "none" (dict "a" (dict "b" (dict "c" 5))) }} {{ dig "a" "x" "none" (dict "a" (dict)) }} {{ get (dict "k" "v") "k" }}[{{ get (dict) "k" }}]
#--- affinity
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
    {{- range $i, $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - weight: {{ sub 100 (mul $i 50) }}
      podAffinityTerm:
        topologyKey: {{ $key }}
        labelSelector:
          matchLabels: {{ $.Resource.spec.selector | toJson }}
    {{- end }}
