"""blob.forbidden: the blob store refuses."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import BARE_DENIED, DENIED, XML
from towline.diagnosis.seen_blob import answered_with, blob_proof
from towline.diagnosis.sign import FOR_BLOB, FOR_TOKEN, status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the blob store's credentials and the clock that signs its links"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="blob.forbidden",
    title="The blob store refuses",
    remedy=remedy,
    proof=blob_proof(answered_with(403)),
    decided_by="the answer of the blob store",
    signs=(
        FOR_BLOB & status(403),
        XML & ~FOR_TOKEN,
        FOR_BLOB & (DENIED | BARE_DENIED),
        FOR_BLOB & status(400),
    ),
    about=(
        "The object store refuses the signed address that the registry gave: it has "
        "expired (clock), is signed with a wrong key, or the bucket's policy forbids "
        "the network."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to copy: httpReadSeeker: failed open: unexpected status from GET "
                "request to https://hub.example/v2/team/app/blobs/sha256:d7d54b9e4833: 403 "
                "Forbidden"
            ),
        ),
        (
            "docker",
            (
                "pull access denied for hub.example/team/app, repository does not exist or may "
                'require \'docker login\': denied: <?xml version="1.0" encoding="UTF-8"?> '
                "<Error><Code>AccessDenied</Code><Message>Request has "
                "expired</Message><Expires>2024-01-01T00:00:00Z</Expires></Error>"
            ),
        ),
        (
            "podman",
            (
                'reading blob sha256:d7d54b9e4833: fetching blob: StatusCode: 403, "<?xml '
                'version=\\"1.0\\" encoding=\\"UTF-8\\"?>\\n<Error><Cod..."'
            ),
        ),
    ),
)
