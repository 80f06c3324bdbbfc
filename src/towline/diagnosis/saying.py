"""The words of Go's net, crypto/tls, crypto/x509 and net/http, which all runtimes print, as signs.

Beside them stand those of the C library and of OpenSSL, for clients that are not written in Go. Each
group holds what one kind of failure is called; who was spoken to is another question.
"""

from __future__ import annotations

from http import HTTPStatus

from towline.diagnosis.sign import (
    AT_REGISTRY,
    BEFORE_LAYERS,
    LAYERS_BEGUN,
    LOOKED_UP,
    UNANSWERED,
    by,
    is_all,
    is_just,
    matches,
    mentions,
    says,
    status,
)

REASONS = tuple(status.phrase.lower() for status in HTTPStatus if status > HTTPStatus.UNAUTHORIZED)

NO_SUCH_NAME = says(
    "no such host",  # net.errNoSuchHost; for NXDOMAIN and NODATA alike
    "name or service not known",  # glibc's EAI_NONAME
    "nodename nor servname provided",
    "could not resolve host",
)
NO_ADDRESS = says(
    "no address associated with hostname", "no suitable address found", "missing address"
)
NAME_SERVER_FAILS = says(
    "server misbehaving",  # net.errServerMisbehaving; for SERVFAIL and REFUSED alike
    "no answer from dns server",
    "cannot unmarshal dns message",
    "invalid dns response",
    "lame referral",
)
NAME_SERVER_SILENT = LOOKED_UP & says("i/o timeout", "timed out")
NAME_SERVER_BUSY = says("temporary failure in name resolution", "try again later")
NAME_SERVER_CLOSED = LOOKED_UP & says("connection refused")
NAME_SERVER_AWAY = LOOKED_UP & says(
    "network is unreachable", "no route to host", "permission denied", "invalid argument"
)
NO_NAME = (
    NO_SUCH_NAME
    | NO_ADDRESS
    | NAME_SERVER_FAILS
    | NAME_SERVER_BUSY
    | NAME_SERVER_SILENT
    | NAME_SERVER_CLOSED
    | NAME_SERVER_AWAY
)
"""Any way in which a name leads to no address."""

SILENT = ~LOOKED_UP & says(
    "i/o timeout", "connection timed out", "operation timed out", "connect: timeout"
)
REFUSED = ~LOOKED_UP & says("connection refused")
NO_ROUTE = ~LOOKED_UP & says("no route to host", "host is down", "host is unreachable")
UNREACHABLE = ~LOOKED_UP & says("network is unreachable", "cannot assign requested address")
PROHIBITED = ~LOOKED_UP & matches(r"dial tcp .*permission denied")
SWALLOWED = ~LOOKED_UP & matches(r"dial tcp .*invalid argument")
FORBIDDEN_HERE = says("operation not permitted") & matches(r"dial tcp|write udp|sendto|connect:")
RESET = says(
    "connection reset by peer", "broken pipe", "forcibly closed", "software caused connection abort"
)
CLOSED = matches(
    r"(^|: )(unexpected )?eof(: unknown)?$|server closed idle connection|use of closed network connection"
)
NOT_CONNECTED = SILENT | REFUSED | NO_ROUTE | UNREACHABLE | PROHIBITED | SWALLOWED | FORBIDDEN_HERE
"""Any way in which an address cannot be connected to."""

HANDSHAKE_SILENT = says("tls handshake timeout")
HTTP_ANSWER = says(
    "server gave http response to https client",  # net/http, since Go 1.12
    "oversized record received",  # crypto/tls before that: "HTTP/" read as a length
)
NO_TLS = says(
    "first record does not look like a tls handshake",
    "received record with version",
    "wrong version number",
    "unsupported ssl/tls record",
)
UNKNOWN_AUTHORITY = says(
    "signed by unknown authority",
    "unable to get local issuer certificate",
    "unable to verify the first certificate",
    "unhandled critical extension",
    "parent certificate cannot sign",
    "not authorized to sign other certificates",
    "incompatible key usage",
    "certificate specifies an incompatible",
    "too many intermediates for path length",
    "not permitted by any constraint",
    "insecure algorithm",
    "certificate is not trusted",
    "verification failure",
)
SELF_SIGNED = says("self-signed certificate", "self signed certificate")
OUT_OF_TIME = says("has expired or is not yet valid", "certificate has expired", "is not yet valid")
TOO_LATE = OUT_OF_TIME & (
    says(" is after ") | (says("certificate has expired") & ~says("or is not"))
)
TOO_EARLY = OUT_OF_TIME & (says(" is before ") | (says("is not yet valid") & ~says("expired or")))
OTHER_NAME = matches(r"certificate is valid for .+, not |hostname mismatch|doesn't match either of")
NO_ADDRESS_NAMES = says("any ip sans", "ip address mismatch")
COMMON_NAME = says("legacy common name", "not valid for any names", "is not a valid hostname")
OLD_TLS = says(
    "protocol version not supported",
    "unsupported protocol version",
    "unsupported versions",
    "no supported versions",
    "unsupported protocol",
)
HANDSHAKE_REFUSED = says("handshake failure", "insufficient security level", "no cipher suite")
WANTS_CERTIFICATE = says(
    "certificate required", "bad certificate", "tls: access denied", "unknown certificate authority"
)
UNKNOWN_NAME = says("unrecognized name", "tls: internal error")
NOT_BELIEVED = (
    UNKNOWN_AUTHORITY
    | SELF_SIGNED
    | OUT_OF_TIME
    | OTHER_NAME
    | NO_ADDRESS_NAMES
    | COMMON_NAME
    | OLD_TLS
    | HANDSHAKE_REFUSED
    | WANTS_CERTIFICATE
    | UNKNOWN_NAME
    | HTTP_ANSWER
    | NO_TLS
    | says("x509:", "pinned one")
)
"""Any way in which TLS fails although the other side speaks."""
NOT_REACHED = NO_NAME | NOT_CONNECTED | HANDSHAKE_SILENT | RESET | CLOSED
"""Any way in which a host cannot be spoken to at all."""

WAITING_FOR_CONNECTION = says("request canceled while waiting for connection")
DEADLINE = BEFORE_LAYERS & matches(r"^context deadline exceeded|^net/http: request canceled \(")
AWAITING_HEADERS = says("while awaiting headers", "timeout awaiting response headers")
CIRCLE = says("stopped after 10 redirects", "too many redirects", "redirect loop")

REDIRECTED = status(301, 302, 303, 307, 308)
"""A redirect that was not followed any more."""

PAGE = mentions("<html", "<!doctype", "text/html", "invalid character '<'")
"""A web page came instead of what was asked for."""
XML = mentions(
    "<?xml", "accessdenied", "signaturedoesnotmatch", "request has expired", "authenticationfailed"
)
"""The words of object stores."""
DENIED = says("requested access to the resource is denied")
PULL_DENIED = mentions("pull access denied for", "may require 'docker login'")
"""What docker makes of insufficient_scope and of an object store's 403."""
INSUFFICIENT = mentions("insufficient_scope", "insufficient scope")
UNAUTHORIZED = says("authentication required", "unauthorized") | status(401)
WRONG_KEY = mentions(
    "incorrect username or password",
    "incorrect user",
    "wrong password",
    "bad credentials",
    "invalid credentials",
    "authentication failed",
    "personal access token was",
    "unable to find user",
    "user or password",
)
KEY_EXPIRED = matches(
    r"(token|credential|credentials|password|secret|key)s?\b[^\n]{0,20} (has |have |is )?expired"
    r"|expired ?token|token is expired|expiredtoken"
)
NO_SPACE = mentions("no space left on device", "disk is full", "not enough space")
MANIFEST_UNKNOWN = mentions("manifest unknown", "manifest_unknown")
NAME_UNKNOWN = mentions("name unknown", "name_unknown", "repository name not known", "name invalid")
NOT_FOUND = matches(r": not found$")
BARE_DENIED = is_just("denied")
TOO_MANY = mentions(
    "toomanyrequests", "too many requests", "too many failed", "rate limit", "ratelimit"
)
TO_REGISTRY = AT_REGISTRY & BEFORE_LAYERS
FROM_DOCKER = by("docker")

DOCKER_HUB = mentions("registry-1.docker.io", "index.docker.io", "docker.io/library/")
SHORT_NAME = DOCKER_HUB & (mentions("/library/") | ~by("containerd"))
"""A name without a registry in it: runtimes look for it at Docker Hub."""
NO_SERVER_NAMED = says("on [::1]:53", "on 127.0.0.1:53")
"""The name server that Go's resolver asks when resolv.conf names none."""
LOCAL_IMAGE = mentions("//localhost", "//127.", "//[::1]", '"localhost', '"127.')
"""The image's own registry is this machine."""
HTTPS = mentions("https://")
PROXY_ANSWER = UNANSWERED & is_all(*REASONS)
"""A proxy's answer to CONNECT: net/http prints its reason as if it were an error."""
FROM_TOKEN_BELOW = FROM_DOCKER & UNANSWERED & ~LAYERS_BEGUN
"""docker asks for tokens inside of its transport: their failures stand behind the registry's URL,
what the registry itself answers does not."""
TWICE = mentions("unauthorized: authentication required\nunauthorized: authentication required")
BY_DIGEST = mentions("@sha256:", "/manifests/sha256:")
CHILD = mentions(
    "fetching target platform image",
    "copying system image from manifest list",
    "selected from manifest list",
)
"""It is about one of the images that an index names."""
CHILD_NOT_FOUND = matches(r"(^|: )sha256:[0-9a-f]+: not found$")
KNOWN_CONTENT = mentions(
    "vnd.docker.image", "vnd.docker.container", "vnd.oci.image", "vnd.docker.distribution.manifest"
)
BARE_DEADLINE = ~UNANSWERED & matches(r"(desc = |^)deadline exceeded$") | (
    ~UNANSWERED & matches(r"(desc = |^|: )context deadline exceeded$")
)
"""The caller's patience ended, and nothing says over what."""
UNPACKING = mentions(
    "failed to extract layer", "failed to register layer", "processing tar file", "applylayer"
)
OLD_UNPACKING = mentions("error processing tar file(exit status 1)")
"""Docker 20.10 and older: it unpacked in a child process, and knew no zstd."""

DENIED_ABOVE = mentions("requested access to the resource is denied")
OTHER_NOT_FOUND = mentions(
    "content at",
    "media type",
    "from remote",
    "match for platform",
    "matching manifest",
    "byte manifest",
)
"""containerd's NotFound for something else than the reference."""
CALCULATING = mentions("unable to calculate manifest", "error unmarshalling content")
"""crane's and docker's words while they read a manifest."""
