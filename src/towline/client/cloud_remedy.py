"""What to do about an error of the cloud's API."""

from __future__ import annotations

_REMEDIES = {
    "AuthFailure.SecretIdNotFound": (
        "use the key in access-key.json of the data directory, or unset TENCENTCLOUD_SECRET_ID"
    ),
    "AuthFailure.SignatureExpire": "set the clock of this machine",
    "AuthFailure.SignatureFailure": "check the SecretKey that belongs to the SecretId",
    "FailedOperation.DependenceError": "see `towline status`: the registry must be running",
    "FailedOperation.ErrorTcrResourceConflict": "use what is there, or choose another name",
    "FailedOperation.PreconditionFailed": "delete its repositories first",
    "InternalError": "see the log of the cloud role in the data directory",
    "InternalError.ErrorConflict": "use the link that is there: `towline link list`",
    "InternalError.ErrorOverLimit": "delete a link, or use a larger edition",
    "InvalidParameter.ErrorNameExists": "use that instance, or choose another name",
    "InvalidParameter.ErrorNameReserved": "choose another name",
    "InvalidParameterValue.SubnetConflict": "choose a free range: `towline subnet list`",
    "InvalidParameterValue.SubnetOverlap": "choose a free range: `towline subnet list`",
    "OperationDenied.QuotaOverLimit": "delete what is not needed, or use a larger edition",
    "ResourceInsufficient.ErrorInstanceNotRunning": (
        "wait until `towline instance list` shows it Running"
    ),
    "ResourceInsufficient.ErrorVpcDnsStatus": "first `towline link resolve off INSTANCE [--vpc VPC]`",
    "ResourceInUse": "first delete, or take away, what it names",
    "ResourceNotFound": "see what there is: `towline instance list`, `towline vpc list`",
    "ResourceNotFound.TcrResourceNotFound": "see what there is: `towline namespace list INSTANCE`",
    "UnsupportedOperation": "wait until `towline link show INSTANCE` has an access IP",
}
_DEFAULT = "change what was asked for, and try again"


def remedy_for(api_code: str) -> str:
    """The remedy for an API code, or for its family."""
    family = api_code.partition(".")[0]
    return _REMEDIES.get(api_code) or _REMEDIES.get(family) or _DEFAULT
