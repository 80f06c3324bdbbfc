"""Situations in which the manifest, the platform, a layer, the disk or a policy is wrong."""

from __future__ import annotations

from tests.laboratory import picture
from tests.laboratory.certificate_kind import Certificate
from tests.laboratory.faulty_registry import Auth, Fault, Registry, said
from tests.laboratory.http_service import Ending, Reply
from tests.laboratory.landscape import Way
from tests.laboratory.picture import Paint
from tests.laboratory.real_registry import RealRegistry
from tests.laboratory.situation import KEY, Host, Named, Situation

ABSENT = f"sha256:{'ab' * 32}"
_S3 = (
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
_XML = (("Content-Type", "application/xml"),)


def _painted(name: str, code: str, paint: Paint) -> Situation:
    return Situation(name=name, code=code, registry=Host(Registry(paint)))


def _blob(name: str, code: str, reply: Reply, auth: Auth = Auth.OPEN) -> Situation:
    """Only layers are answered so; the config is well."""
    registry = Registry(auth=auth, faults=(Fault("GET */blobs/{layer}", reply, late=True),))
    return Situation(name=name, code=code, registry=Host(registry), login=KEY)


def _redirected(name: str, code: str, store: Host) -> Situation:
    """Layers are in a blob store of its own."""
    reply = Reply(307, b"", (("Location", "https://{blobs}/store/{layer}?signature=secret"),))
    registry = Registry(faults=(Fault("GET */blobs/{layer}", reply),))
    return Situation(name=name, code=code, registry=Host(registry), blobs=store)


def _real(cause: str, image: str) -> Situation:
    """Debian's docker-registry has it not."""
    return Situation(
        name=f"manifest.{cause}-real",
        code=f"manifest.{cause}",
        registry=Host(RealRegistry()),
        image=f"{{here}}/{image}",
    )


def _worded(name: str, code: str, words: str) -> Situation:
    """What is wrong is on the client, and no probe of a registry sees it."""
    return Situation(name=name, code=code, said=words)


MANIFESTS = (
    Situation(
        name="manifest.tag-unknown", code="manifest.tag-unknown", image="{here}/team/app:1.O"
    ),
    Situation(
        name="manifest.digest-unknown",
        code="manifest.digest-unknown",
        image=f"{{here}}/team/app@{ABSENT}",
    ),
    Situation(
        name="manifest.name-unknown", code="manifest.name-unknown", image="{here}/team/ap:1.0"
    ),
    Situation(
        name="manifest.name-hidden",
        code="manifest.name-unknown",
        image="{here}/team/ap:1.0",
        registry=Host(Registry(hides_repositories=True)),
    ),
    _real("tag-unknown", "team/app:1.O"),
    _real("digest-unknown", f"team/app@{ABSENT}"),
    _real("name-unknown", "team/ap:1.0"),
    _painted("manifest.schema1", "manifest.schema1", picture.schema_1),
    _painted(
        "manifest.unsupported-type",
        "manifest.unsupported-type",
        picture.manifest_as("application/vnd.corp.manifest+json"),
    ),
    _painted("manifest.as-html", "manifest.unsupported-type", picture.manifest_as("text/html")),
    _painted("manifest.not-an-image", "manifest.not-an-image", picture.chart),
    _painted("manifest.too-large", "manifest.too-large", picture.too_large),
    _painted("manifest.malformed", "manifest.malformed", picture.malformed),
    _painted("manifest.bad-config", "manifest.bad-config", picture.bad_config),
    _painted("manifest.child-missing", "manifest.child-missing", picture.childless),
    _painted("manifest.digest-mismatch", "manifest.digest-mismatch", picture.another_body),
    Situation(
        name="manifest.digest-header",
        code="manifest.digest-mismatch",
        registry=Host(Registry(digest_header=ABSENT)),
        also=("manifest.digest-unknown",),
    ),
    Situation(
        name="manifest.digest-mismatch-pinned",
        code="manifest.digest-mismatch",
        registry=Host(Registry(picture.another_body)),
        image="{here}/team/app@{digest}",
    ),
    _painted("platform.no-match", "platform.no-match", picture.index("linux/arm64", "linux/s390x")),
    _painted("platform.windows-only", "platform.no-match", picture.index("windows/amd64")),
    _painted("platform.wrong-arch", "platform.wrong-arch", picture.single("linux/arm64")),
    _painted("platform.wrong-os", "platform.wrong-os", picture.single("windows/amd64")),
    Situation(
        name="runtime.exec-format",
        code="runtime.exec-format",
        registry=Host(Registry(picture.single("linux/arm64"))),
        said="exec /app: exec format error",
        also=("platform.wrong-arch",),
    ),
)

BLOBS = (
    _painted("blob.unknown", "blob.unknown", picture.without_blob("layer")),
    _painted("blob.config-unknown", "blob.unknown", picture.without_blob("config")),
    _blob("blob.forbidden", "blob.forbidden", Reply(403, _S3, _XML)),
    _blob("blob.server-error", "blob.server-error", Reply(500)),
    _blob("blob.unauthorized", "blob.unauthorized", said(401, "UNAUTHORIZED", "no")),
    _blob("blob.rate-limit", "http.rate-limit", Reply(429)),
    _blob("blob.truncated", "blob.truncated", Reply(body=b"x" * 40_000, ending=Ending.CUT)),
    _blob("blob.reset", "blob.reset", Reply(body=b"x" * 40_000, ending=Ending.RESET)),
    _blob("blob.stalled", "blob.stalled", Reply(body=b"x" * 40_000, ending=Ending.STALL)),
    Situation(
        name="blob.half",
        code="blob.truncated",
        registry=Host(Registry(picture.large, keeps=100_000)),
    ),
    _painted("blob.size-mismatch", "blob.size-mismatch", picture.short_layer),
    _painted("blob.digest-mismatch", "blob.digest-mismatch", picture.altered_layer),
    _redirected("blob.redirect-refused", "blob.redirect-unreachable", Host(None)),
    _redirected(
        "blob.redirect-dropped",
        "blob.redirect-unreachable",
        Host(None, way=Way.DROPPED, public=True),
    ),
    _redirected(
        "blob.redirect-unknown-name",
        "blob.redirect-unreachable",
        Host(None, named=Named.NOT),
    ),
    _redirected(
        "blob.redirect-wrong-host",
        "blob.redirect-tls",
        Host(Registry(), certificate=Certificate.WRONG_HOST),
    ),
    _redirected(
        "blob.redirect-tls",
        "blob.redirect-tls",
        Host(Registry(), certificate=Certificate.SELF_SIGNED),
    ),
    _blob(
        "blob.redirect-loop",
        "blob.redirect-loop",
        Reply(307, b"", (("Location", "https://{here}/v2/team/app/blobs/{layer}"),)),
    ),
)

REST = (
    _painted("unpack.bad-compression", "unpack.bad-compression", picture.badly_packed),
    _painted("unpack.cut-gzip", "unpack.bad-compression", picture.cut_gzip),
    _painted("unpack.bad-tar", "unpack.bad-tar", picture.bad_tar),
    _painted("unpack.diffid-mismatch", "unpack.diffid-mismatch", picture.other_diff_id),
    _painted("unpack.unsupported-layer", "unpack.unsupported-layer", picture.foreign_layer),
    Situation(
        name="unpack.zstd-unsupported",
        code="unpack.zstd-unsupported",
        registry=Host(Registry(picture.zstd)),
        said="failed to register layer: Error processing tar file(exit status 1): unexpected EOF",
        client="docker 20.10.24",
    ),
    Situation(name="storage.full", code="storage.full", disk="size=28k"),
    Situation(
        name="storage.inodes",
        code="storage.inodes",
        disk="size=10m,nr_inodes=14",
        said="failed to extract layer sha256:7c1d: mkdir /var/lib/containerd/tmpmounts/usr/lib/x: "
        "no space left on device: unknown",
    ),
    _worded(
        "storage.quota",
        "storage.quota",
        "failed to copy: write /var/lib/containerd/io.containerd.content.v1.content/ingest/4f/data: "
        "disk quota exceeded",
    ),
    _worded(
        "policy.invalid",
        "policy.invalid",
        'rpc error: code = Unknown desc = invalid policy in "/etc/containers/policy.json": '
        'Unknown key "keyPaths"',
    ),
    _worded(
        "policy.rejected",
        "policy.rejected",
        "Source image rejected: Running image docker://{here}/team/app:1.0 is rejected by policy.",
    ),
    _worded(
        "policy.signature-missing",
        "policy.signature-missing",
        "Source image rejected: A signature was required, but no signature exists",
    ),
    _worded(
        "policy.signature-invalid",
        "policy.signature-invalid",
        "Source image rejected: Invalid GPG signature: gpgme.Signature{{Summary:4}}",
    ),
)

SITUATIONS = MANIFESTS + BLOBS + REST
