"""What the built-in kinds say about merging, one type a line, for `mergefacts` to read (facts of Kubernetes 1.36).

`field=rule`, where a field that is not named is a plain value, a struct without rules, or an atomic list::

    field=Type            a struct with rules of its own; `.` is one without
    field=*               a map with free keys
    field=!  !*  !Type    atomic as a whole: a struct, a map with free keys, a struct with rules for comparing
    field=set             a list that is a set
    field=[a,b:D]Type     a list with keys a and b, where b is D when left out; `!` after it: its items are atomic
    field+=rule           the server writes the field even when it is empty, so nobody owns its being there

Every kind has `metadata+=ObjectMeta` too.
"""

from __future__ import annotations

KINDS = """
v1: ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate
  ReplicationController ResourceQuota Secret Service ServiceAccount
admissionregistration.k8s.io/v1: MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration
  ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration
apiextensions.k8s.io/v1: CustomResourceDefinition
apiregistration.k8s.io/v1: APIService
apps/v1: ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
autoscaling/v1: HorizontalPodAutoscaler
autoscaling/v2: HorizontalPodAutoscaler=HorizontalPodAutoscaler@autoscalingv2
batch/v1: CronJob Job
certificates.k8s.io/v1: CertificateSigningRequest
coordination.k8s.io/v1: Lease
discovery.k8s.io/v1: EndpointSlice
events.k8s.io/v1: Event=Event@eventsv1
flowcontrol.apiserver.k8s.io/v1: FlowSchema PriorityLevelConfiguration
networking.k8s.io/v1: IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR
node.k8s.io/v1: RuntimeClass
policy/v1: PodDisruptionBudget
rbac.authorization.k8s.io/v1: ClusterRole ClusterRoleBinding Role RoleBinding
scheduling.k8s.io/v1: PriorityClass
storage.k8s.io/v1: CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass
"""

TYPES = """
APIService: spec+=. status+=APIServiceStatus
APIServiceStatus: conditions=[type]
Affinity: nodeAffinity=NodeAffinity
CSIDriver: spec+=CSIDriverSpec
CSIDriverSpec: volumeLifecycleModes=set
CSINode: spec+=CSINodeSpec
CSINodeSpec: drivers+=[name]
CSIPersistentVolumeSource: controllerExpandSecretRef=! controllerPublishSecretRef=! nodeExpandSecretRef=! nodePublishSecretRef=!
  nodeStageSecretRef=! volumeAttributes=*
CSIStorageCapacity: nodeTopology=!LabelSelector
CSIVolumeSource: nodePublishSecretRef=! volumeAttributes=*
CephFSPersistentVolumeSource: secretRef=!
CephFSVolumeSource: secretRef=!
CertificateSigningRequest: spec+=CertificateSigningRequestSpec status+=CertificateSigningRequestStatus
CertificateSigningRequestSpec: extra=*
CertificateSigningRequestStatus: conditions=[type]
CinderPersistentVolumeSource: secretRef=!
CinderVolumeSource: secretRef=!
ClusterRoleBinding: roleRef+=!
ComponentStatus: conditions=[type]
ConfigMap: binaryData=* data=*
Container: env=[name]EnvVar ports=[containerPort,protocol:TCP] resources+=ResourceRequirements volumeDevices=[devicePath]
  volumeMounts=[mountPath]
CronJob: spec+=CronJobSpec status+=.
CronJobSpec: jobTemplate+=JobTemplateSpec
CustomResourceDefinition: spec+=CustomResourceDefinitionSpec status+=CustomResourceDefinitionStatus
CustomResourceDefinitionSpec: names+=.
CustomResourceDefinitionStatus: acceptedNames+=. conditions=[type]
DaemonSet: spec+=DaemonSetSpec status+=DaemonSetStatus
DaemonSetSpec: selector=!LabelSelector template+=PodTemplateSpec updateStrategy+=.
DaemonSetStatus: conditions=[type]
Deployment: spec+=DeploymentSpec status+=DeploymentStatus
DeploymentSpec: selector=!LabelSelector strategy+=. template+=PodTemplateSpec
DeploymentStatus: conditions=[type]
EnvVar: valueFrom=EnvVarSource
EnvVarSource: configMapKeyRef=! fieldRef=! fileKeyRef=! resourceFieldRef=! secretKeyRef=!
EphemeralContainer: env=[name]EnvVar ports=[containerPort,protocol:TCP] resources=ResourceRequirements volumeDevices=[devicePath]
  volumeMounts=[mountPath]
EphemeralVolumeSource: volumeClaimTemplate=PersistentVolumeClaimTemplate
Event: involvedObject+=! related=! source+=.
Event@eventsv1: regarding=! related=!
FlexPersistentVolumeSource: options=* secretRef=!
FlexVolumeSource: options=* secretRef=!
FlowSchema: spec+=. status+=FlowSchemaStatus
FlowSchemaStatus: conditions=[type]
HorizontalPodAutoscaler: spec+=HorizontalPodAutoscalerSpec status+=.
HorizontalPodAutoscaler@autoscalingv2: spec+=HorizontalPodAutoscalerSpec@autoscalingv2 status+=HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec: scaleTargetRef+=!
HorizontalPodAutoscalerSpec@autoscalingv2: scaleTargetRef+=.
HorizontalPodAutoscalerStatus: conditions=[type]
IPAddress: spec+=.
ISCSIPersistentVolumeSource: secretRef=!
ISCSIVolumeSource: secretRef=!
Ingress: spec+=IngressSpec status+=IngressStatus
IngressBackend: resource=! service=IngressServiceBackend
IngressClass: spec+=.
IngressServiceBackend: port=!
IngressSpec: defaultBackend=IngressBackend
IngressStatus: loadBalancer+=.
Job: spec+=JobSpec status+=JobStatus
JobSpec: selector=!LabelSelector template+=PodTemplateSpec
JobStatus: uncountedTerminatedPods=UncountedTerminatedPods
JobTemplateSpec: metadata+=ObjectMeta spec+=JobSpec
LabelSelector: matchLabels=*
Lease: spec+=.
LimitRange: spec+=.
MutatingAdmissionPolicy: spec+=MutatingAdmissionPolicySpec
MutatingAdmissionPolicyBinding: spec+=MutatingAdmissionPolicyBindingSpec
MutatingAdmissionPolicyBindingSpec: matchResources=! paramRef=!
MutatingAdmissionPolicySpec: matchConditions=[name] matchConstraints=! paramKind=!
MutatingWebhook: matchConditions=[name] namespaceSelector=!LabelSelector objectSelector=!LabelSelector
MutatingWebhookConfiguration: webhooks=[name]MutatingWebhook
Namespace: spec+=. status+=NamespaceStatus
NamespaceStatus: conditions=[type]
NetworkPolicy: spec+=NetworkPolicySpec
NetworkPolicySpec: podSelector+=!LabelSelector
Node: spec+=NodeSpec status+=NodeStatus
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution=!
NodeDaemonEndpoints: kubeletEndpoint+=.
NodeSpec: podCIDRs=set
NodeStatus: addresses=[type] allocatable=* capacity=* conditions=[type] daemonEndpoints+=NodeDaemonEndpoints nodeInfo+=.
ObjectMeta: annotations=* finalizers=set labels=* ownerReferences=[uid]!
Overhead: podFixed=*
PersistentVolume: spec+=PersistentVolumeSpec status+=.
PersistentVolumeClaim: spec+=PersistentVolumeClaimSpec status+=PersistentVolumeClaimStatus
PersistentVolumeClaimSpec: dataSource=! resources+=VolumeResourceRequirements selector=!LabelSelector
PersistentVolumeClaimStatus: allocatedResourceStatuses=* allocatedResources=* capacity=* conditions=[type]
PersistentVolumeClaimTemplate: metadata+=ObjectMeta spec+=PersistentVolumeClaimSpec
PersistentVolumeSpec: capacity=* cephfs=CephFSPersistentVolumeSource cinder=CinderPersistentVolumeSource claimRef=!
  csi=CSIPersistentVolumeSource flexVolume=FlexPersistentVolumeSource iscsi=ISCSIPersistentVolumeSource nodeAffinity=VolumeNodeAffinity
  rbd=RBDPersistentVolumeSource scaleIO=ScaleIOPersistentVolumeSource storageos=StorageOSPersistentVolumeSource
Pod: spec+=PodSpec status+=PodStatus
PodDisruptionBudget: spec+=PodDisruptionBudgetSpec status+=PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: selector=!LabelSelector
PodDisruptionBudgetStatus: conditions=[type] disruptedPods=*
PodSpec: affinity=Affinity containers+=[name]Container ephemeralContainers=[name]EphemeralContainer hostAliases=[ip]
  imagePullSecrets=[name]! initContainers=[name]Container nodeSelector=!* overhead=* resourceClaims=[name]
  resources=ResourceRequirements schedulingGates=[name]
  topologySpreadConstraints=[topologyKey,whenUnsatisfiable]TopologySpreadConstraint volumes=[name]Volume
PodStatus: allocatedResources=* conditions=[type] podIPs=[ip] resourceClaimStatuses=[name] resources=ResourceRequirements
PodTemplate: template=PodTemplateSpec
PodTemplateSpec: metadata+=ObjectMeta spec+=PodSpec
PriorityLevelConfiguration: spec+=. status+=PriorityLevelConfigurationStatus
PriorityLevelConfigurationStatus: conditions=[type]
RBDPersistentVolumeSource: secretRef=!
RBDVolumeSource: secretRef=!
ReplicaSet: spec+=ReplicaSetSpec status+=ReplicaSetStatus
ReplicaSetSpec: selector=!LabelSelector template+=PodTemplateSpec
ReplicaSetStatus: conditions=[type]
ReplicationController: spec+=ReplicationControllerSpec status+=ReplicationControllerStatus
ReplicationControllerSpec: selector=!* template=PodTemplateSpec
ReplicationControllerStatus: conditions=[type]
ResourceQuota: spec+=ResourceQuotaSpec status+=ResourceQuotaStatus
ResourceQuotaSpec: hard=* scopeSelector=!
ResourceQuotaStatus: hard=* used=*
ResourceRequirements: claims=[name] limits=* requests=*
RoleBinding: roleRef+=!
RuntimeClass: overhead=Overhead scheduling=Scheduling
ScaleIOPersistentVolumeSource: secretRef=!
ScaleIOVolumeSource: secretRef=!
Scheduling: nodeSelector=!*
Secret: data=* stringData=*
Service: spec+=ServiceSpec status+=ServiceStatus
ServiceAccount: secrets=[name]!
ServiceCIDR: spec+=. status+=ServiceCIDRStatus
ServiceCIDRStatus: conditions=[type]
ServiceSpec: ports=[port,protocol:TCP] selector=!*
ServiceStatus: conditions=[type] loadBalancer+=.
StatefulSet: spec+=StatefulSetSpec status+=StatefulSetStatus
StatefulSetSpec: selector=!LabelSelector template+=PodTemplateSpec updateStrategy+=.
StatefulSetStatus: conditions=[type]
StorageClass: parameters=*
StorageOSPersistentVolumeSource: secretRef=!
StorageOSVolumeSource: secretRef=!
TopologySpreadConstraint: labelSelector=!LabelSelector
UncountedTerminatedPods: failed=set succeeded=set
ValidatingAdmissionPolicy: spec+=ValidatingAdmissionPolicySpec status+=ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyBinding: spec+=ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec: matchResources=! paramRef=! validationActions+=set
ValidatingAdmissionPolicySpec: matchConditions=[name] matchConstraints=! paramKind=! variables=[name]!
ValidatingAdmissionPolicyStatus: conditions=[type]
ValidatingWebhook: matchConditions=[name] namespaceSelector=!LabelSelector objectSelector=!LabelSelector
ValidatingWebhookConfiguration: webhooks=[name]ValidatingWebhook
Volume: cephfs=CephFSVolumeSource cinder=CinderVolumeSource csi=CSIVolumeSource ephemeral=EphemeralVolumeSource
  flexVolume=FlexVolumeSource iscsi=ISCSIVolumeSource rbd=RBDVolumeSource scaleIO=ScaleIOVolumeSource storageos=StorageOSVolumeSource
VolumeAttachment: spec+=VolumeAttachmentSpec status+=VolumeAttachmentStatus
VolumeAttachmentSource: inlineVolumeSpec=PersistentVolumeSpec
VolumeAttachmentSpec: source=VolumeAttachmentSource
VolumeAttachmentStatus: attachmentMetadata=*
VolumeAttributesClass: parameters=*
VolumeNodeAffinity: required=!
VolumeResourceRequirements: limits=* requests=*
"""
