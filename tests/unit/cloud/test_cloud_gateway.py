"""The gateway's envelope: HTTP 200 always, a RequestId always, and the code that says what was
wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.clouds import KEY, NOW, SECRET_ID, SECRET_KEY, open_context

from towline.cloud.access_key import load
from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.authenticate import HttpRequest
from towline.cloud.catalogue import CATALOGUE
from towline.cloud.context import Context
from towline.cloud.gateway import Catalogue, Gateway
from towline.problem import Problem
from towline.resource.signature import Signable, authorize

KEYS = {SECRET_ID: KEY}
NAMED = {"x-tc-action": "DescribeVpcs", "x-tc-version": "2017-03-12"}


class Nothing(Parameters, frozen=True, kw_only=True):
    """No parameters."""


def signed(service: str, body: bytes, headers: Mapping[str, str]) -> HttpRequest:
    """A request with a good signature."""
    covered = (("content-type", "application/json"), ("host", "h"))
    stamp = int(NOW.timestamp())
    made = {**dict(covered), "x-tc-timestamp": str(stamp), **headers}
    signable = Signable("POST", "", covered, body, stamp, service)
    made["authorization"] = authorize(signable, SECRET_ID, SECRET_KEY)
    return HttpRequest("POST", "", made, body)


async def response(
    folder: Path, request: HttpRequest, catalogue: Catalogue = CATALOGUE
) -> dict[str, Any]:
    """What the gateway answers."""
    async with open_context(folder) as context:
        gateway = Gateway(context.resources, context.settings, KEYS, catalogue, context.clock)
        answered: dict[str, Any] = json.loads(await gateway.answer(request))["Response"]
        return answered


async def test_an_answer_has_its_fields_and_a_request_id(tmp_path: Path) -> None:
    """The id is a lower-case uuid."""
    answer = await response(tmp_path, signed("vpc", b"{}", NAMED))

    assert answer["VpcSet"] == []
    assert answer["TotalCount"] == 0
    assert len(answer["RequestId"]) == 36


@pytest.mark.parametrize(
    ("service", "headers", "body", "code"),
    [
        pytest.param("vpc", {"x-tc-action": "DescribeImages"}, b"{}", "InvalidAction", id="action"),
        pytest.param("vpc", {"x-tc-action": ""}, b"{}", "MissingParameter", id="no-action"),
        pytest.param("vpc", {"x-tc-version": "2000-01-01"}, b"{}", "NoSuchVersion", id="version"),
        pytest.param("cvm", {}, b"{}", "NoSuchProduct", id="product"),
        pytest.param("vpc", {}, b"[]", "InvalidParameter", id="body"),
        pytest.param("vpc", {}, b'{"Colour":1}', "UnknownParameter", id="parameter"),
        pytest.param(
            "vpc", {"x-tc-timestamp": "1"}, b"{}", "AuthFailure.SignatureExpire", id="old"
        ),
    ],
)
async def test_an_error_has_its_code_and_a_request_id(
    tmp_path: Path, service: str, headers: dict[str, str], body: bytes, code: str
) -> None:
    """Without a RequestId the official SDK would raise KeyError."""
    answer = await response(tmp_path, signed(service, body, NAMED | headers))

    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"]
    assert len(answer["RequestId"]) == 36


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        pytest.param(sqlite3.DatabaseError("secret detail"), "internal error", id="defect"),
        pytest.param(Problem("disk-full", cause="full", remedy="free it"), "free it", id="problem"),
    ],
)
async def test_a_failing_action_is_an_internal_error(
    tmp_path: Path, failure: Exception, word: str
) -> None:
    """A defect keeps its details in the log; a problem tells its remedy."""

    async def fail(_context: Context, _asked: Nothing) -> Answer:
        raise failure

    actions: dict[str, AnyAction] = {"DescribeVpcs": Action(Nothing, fail)}
    request = signed("vpc", b"{}", NAMED)
    answer = await response(tmp_path, request, {("vpc", "2017-03-12"): actions})

    assert answer["Error"]["Code"] == "InternalError"
    assert word in answer["Error"]["Message"]
    assert "secret detail" not in answer["Error"]["Message"]


@pytest.mark.parametrize("header", ["x-tc-action", "x-tc-token", "x-tc-content-sha256", "host"])
async def test_bytes_that_are_no_text_are_refused(tmp_path: Path, header: str) -> None:
    """The HTTP server hands them on as halves of characters; an answer must not choke on them."""
    request = signed("vpc", b"{}", NAMED)
    answer = await response(
        tmp_path, replace(request, headers={**request.headers, header: "\udcff"})
    )

    assert answer["Error"]["Code"] == "InvalidParameter"


def test_keys_are_read_one_or_many(tmp_path: Path) -> None:
    """An account without a number gets one that is always the same."""
    one = tmp_path / "one.json"
    one.write_text('{"SecretId": "a", "SecretKey": "k"}')
    many = tmp_path / "many.json"
    many.write_text('[{"SecretId": "a", "SecretKey": "k"}, {"SecretId": "b", "SecretKey": "l"}]')

    assert load(one)["a"] == load(many)["a"]
    assert load(many)["a"].uin != load(many)["b"].uin
    assert len(load(one)["a"].uin) == 12


def test_keys_that_cannot_be_read_are_a_problem(tmp_path: Path) -> None:
    """Missing or malformed."""
    broken = tmp_path / "broken.json"
    broken.write_text('{"SecretId": "a"}')
    for path in (broken, tmp_path / "none.json"):
        with pytest.raises(Problem) as problem:
            load(path)

        assert problem.value.code == "access-keys-unreadable"
