"""What a profile deploys: manifests, Helm charts, kustomizations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fleetd.domain.kinds.base import Flag, Model, Whole, defaulted
from fleetd.domain.kinds.shared import DeploymentType, Duration, NonEmpty, ObjectReference, SecretReference, Tier, ValueFrom

SourceKind = Literal["GitRepository", "OCIRepository", "Bucket", "ConfigMap", "Secret"]
SourceURL = Annotated[str, Field(pattern=r"^(https?|oci)://")]


class RemoteKustomizeURL(Model):
    """Content fetched over http(s) or oci."""

    url: SourceURL
    interval: Duration | None = None
    secret_ref: SecretReference | None = None
    insecure_skip_tls_verify: Flag = defaulted(False)
    plain_http: Flag = defaulted(False)


class RemoteURL(RemoteKustomizeURL):
    """Fetched content that may be a template."""

    template: Flag = False


class PolicyRef(Model):
    """A source of manifests: a ConfigMap, a Secret, a Flux source, or a URL."""

    kind: SourceKind | None = None
    name: str = ""
    namespace: str = ""
    path: str = ""
    deployment_type: DeploymentType = defaulted(DeploymentType.REMOTE)
    optional: Flag = defaulted(False)
    remote_url: RemoteURL | None = None
    tier: Tier = defaulted(100)
    skip_namespace_creation: Flag = defaulted(False)
    force: Flag = defaulted(False)

    @model_validator(mode="after")
    def _one_source(self) -> PolicyRef:
        _exactly_one(self.kind, self.remote_url)
        return self


class KustomizationRef(Model):
    """A directory with a kustomization."""

    kind: SourceKind | None = None
    name: str = ""
    namespace: str = ""
    path: str = ""
    components: tuple[str, ...] = ()
    deployment_type: DeploymentType = defaulted(DeploymentType.REMOTE)
    optional: Flag = defaulted(False)
    remote_url: RemoteKustomizeURL | None = None
    tier: Tier = defaulted(100)
    skip_namespace_creation: Flag = defaulted(False)
    force: Flag = defaulted(False)
    target_namespace: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    values: dict[str, str] = Field(default_factory=dict)
    values_from: tuple[ValueFrom, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> KustomizationRef:
        _exactly_one(self.kind, self.remote_url)
        return self


def _exactly_one(kind: object, remote_url: object) -> None:
    if bool(kind) == bool(remote_url):
        raise ValueError("exactly one of kind and remoteURL must be given")


class HelmChartAction(StrEnum):
    """Whether a release is wanted or unwanted."""

    INSTALL = "Install"
    UNINSTALL = "Uninstall"


class HelmInstallOptions(Model):
    """How a release is installed the first time."""

    create_namespace: Flag = defaulted(True)
    replace: Flag = defaulted(True)
    disable_hooks: Flag = defaulted(False)
    take_ownership: Flag = defaulted(False)
    recover_after_consecutive_failures: Whole = defaulted(5)


class HelmUpgradeOptions(Model):
    """How a release is changed."""

    force: Flag = defaulted(False)
    reset_values: Flag = defaulted(False)
    reuse_values: Flag = defaulted(False)
    reset_then_reuse_values: Flag = defaulted(False)
    recreate: Flag = defaulted(False)
    max_history: Whole = defaulted(2)
    cleanup_on_fail: Flag = defaulted(False)
    sub_notes: Flag = defaulted(False)
    upgrade_crds: Flag = Field(default=False, alias="upgradeCRDs", json_schema_extra={"in_schema": True})
    disable_hooks: Flag = defaulted(False)
    take_ownership: Flag = defaulted(False)


class HelmUninstallOptions(Model):
    """How a release is taken away."""

    keep_history: Flag = defaulted(False)
    deletion_propagation: Literal["orphan", "foreground", "background"] | None = None
    disable_hooks: Flag = defaulted(False)


class HelmOptions(Model):
    """Helm's own switches."""

    skip_crds: Flag = defaulted(False)
    skip_schema_validation: Flag = defaulted(False)
    wait: Flag = defaulted(False)
    wait_for_jobs: Flag = defaulted(False)
    timeout: Duration | None = None
    disable_hooks: Flag = defaulted(False)
    disable_open_api_validation: Flag = Field(default=False, alias="disableOpenAPIValidation", json_schema_extra={"in_schema": True})
    atomic: Flag = defaulted(False)
    dependency_update: Flag = defaulted(False)
    labels: dict[str, str] = Field(default_factory=dict)
    enable_client_cache: Flag = defaulted(False)
    description: str = ""
    pass_credentials_all: Flag = defaulted(False)
    run_tests: Flag = defaulted(False)
    post_render_strategy: Literal["combined", "separate", "nohooks"] | None = None
    install_options: HelmInstallOptions | None = None
    upgrade_options: HelmUpgradeOptions | None = None
    uninstall_options: HelmUninstallOptions | None = None


class RegistryCredentials(Model):
    """How to log in at a chart's registry."""

    credentials: SecretReference | None = None
    key: str = ""
    ca: SecretReference | None = None
    insecure_skip_tls_verify: Flag = False
    plain_http: Flag = False


class OIDCIdentity(Model):
    """Who may have signed."""

    issuer: str
    subject: str


class SignatureVerification(Model):
    """Cosign, for OCI charts."""

    provider: Literal["PublicKey", "Keyless"]
    secret_ref: SecretReference | None = None
    match_oidc_identity: tuple[OIDCIdentity, ...] = ()


class ProvenanceVerification(Model):
    """GPG provenance, for charts of http repositories."""

    keyring_secret_ref: SecretReference


class HelmChart(Model):
    """A Helm release; all strings are templates."""

    repository_url: NonEmpty
    repository_name: str = ""
    chart_name: str = ""
    chart_version: str = ""
    release_name: NonEmpty
    release_namespace: NonEmpty
    values: str = ""
    values_from: tuple[ValueFrom, ...] = ()
    helm_chart_action: HelmChartAction = defaulted(HelmChartAction.INSTALL)
    options: HelmOptions | None = None
    registry_credentials_config: RegistryCredentials | None = None
    signature_verification: SignatureVerification | None = None
    provenance_verification: ProvenanceVerification | None = None

    @model_validator(mode="after")
    def _a_repository_needs_the_whole_name(self) -> HelmChart:
        if self.repository_url.startswith(("http", "oci")):
            named = {"chartName": self.chart_name, "chartVersion": self.chart_version, "repositoryName": self.repository_name}
            lacking = [name for name, value in named.items() if not value]
            if lacking:
                raise ValueError(f"a chart from {self.repository_url} needs {', '.join(lacking)}")
        return self


class TemplateResourceRef(Model):
    """An object of the management plane that templates may read as `.MgmtResources.<identifier>`."""

    resource: ObjectReference
    identifier: str
    optional: Flag = defaulted(False)
    ignore_status_changes: Flag = defaulted(False)
    watch_fields: tuple[str, ...] = ()
