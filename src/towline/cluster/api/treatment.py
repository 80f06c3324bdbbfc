"""How a write is to be done, as the query of a request says it."""

from __future__ import annotations

from collections.abc import Iterable

from towline.cluster.api.address import FieldValidation, Treatment
from towline.cluster.api.call import Call
from towline.kube.refusal import FieldError, Refusal


def treatment_of(call: Call, dry_run: Iterable[str] = ()) -> Treatment:
    """The treatment; `dry_run` is what the body says of it. Raises a 422 refusal."""
    asked = [*dry_run, *(one for one in (call.query.get("dryRun"),) if one)]
    for one in asked:
        if one != "All":
            raise _unsupported("dryRun", one, ("All",))
    return Treatment(dry_run=bool(asked), validation=_validation(call))


def _validation(call: Call) -> FieldValidation:
    text = call.query.get("fieldValidation") or FieldValidation.WARN.value
    try:
        return FieldValidation(text)
    except ValueError:
        supported = tuple(one.value for one in FieldValidation)
        raise _unsupported("fieldValidation", text, supported) from None


def _unsupported(field: str, value: str, supported: tuple[str, ...]) -> Refusal:
    values = ", ".join(f'"{one}"' for one in supported)
    error = FieldError(
        "FieldValueNotSupported", field, f'Unsupported value: "{value}": supported values: {values}'
    )
    cause = {"reason": error.reason, "message": error.message, "field": error.field}
    message = f' "" is invalid: {field}: {error.message}'
    return Refusal(422, "Invalid", message, {"causes": [cause]})
