"""Questions that are posted and answered at once: who am I, may I, whose token is this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.cluster.api import body
from towline.cluster.api.address import Address
from towline.cluster.api.authentication import Authenticator, groups_of
from towline.cluster.api.authorization import Question, Rule, may, rules_of
from towline.cluster.api.call import Answer, Call, json_answer
from towline.cluster.api.service_account_token import AUDIENCE
from towline.cluster.api.settings import User
from towline.kube import refusal, resource_type

Object = dict[str, Any]


class ReviewEndpoint:
    """Answers reviews."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    def answer(self, call: Call, address: Address, user: User) -> Answer:
        """The review, with its status filled in."""
        posted = body.read_object(call)
        resource, spec = address.resource, posted.get("spec") or {}
        match resource:
            case resource_type.SELF_SUBJECT_REVIEWS:
                status: Object = {"userInfo": _told(user)}
            case resource_type.SELF_SUBJECT_ACCESS_REVIEWS:
                status = _access(spec, user)
            case resource_type.SELF_SUBJECT_RULES_REVIEWS:
                status = _rules(user)
            case resource_type.TOKEN_REVIEWS:
                status = self._token(spec)
            case _:
                raise refusal.no_such_path()
        kind = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}}
        shown = {} if resource is resource_type.SELF_SUBJECT_REVIEWS else {"spec": spec}
        return json_answer({**kind, **shown, "status": status}, 201)

    def _token(self, spec: Mapping[str, Any]) -> Object:
        user = self._authenticator.user_of_token(str(spec.get("token", "")))
        wanted = spec.get("audiences") or [AUDIENCE]
        if user is None or AUDIENCE not in wanted:
            return {"authenticated": False, "user": {}, "error": "[invalid bearer token]"}
        return {"authenticated": True, "user": _told(user), "audiences": [AUDIENCE]}


def _told(user: User) -> Object:
    uid = {"uid": user.uid} if user.uid else {}
    return {"username": user.name, **uid, "groups": list(groups_of(user))}


def _access(spec: Mapping[str, Any], user: User) -> Object:
    about, document = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if document is not None:
        asked = Question(str(document.get("verb", "")), path=str(document.get("path", "")) or "/")
        return {"allowed": may(user, asked)}
    if about is None:
        raise refusal.bad_request(
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
            "resourceAttributes must be specified"
        )
    below = f"/{about['subresource']}" if about.get("subresource") else ""
    asked = Question(
        str(about.get("verb", "")),
        str(about.get("group", "")),
        f"{about.get('resource', '')}{below}",
        str(about.get("namespace", "")),
        str(about.get("name", "")),
    )
    return {"allowed": may(user, asked)}


def _rules(user: User) -> Object:
    rules = rules_of(user)
    return {
        "resourceRules": [_resource_rule(one) for one in rules if one.resources],
        "nonResourceRules": [
            {"verbs": list(one.verbs), "nonResourceURLs": list(one.paths)}
            for one in rules
            if one.paths
        ],
        "incomplete": False,
    }


def _resource_rule(rule: Rule) -> Object:
    return {
        "verbs": list(rule.verbs),
        "apiGroups": list(rule.groups),
        "resources": list(rule.resources),
    }
