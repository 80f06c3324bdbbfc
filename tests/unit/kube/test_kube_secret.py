"""Secrets and ConfigMaps give their values as bytes; a pull Secret opens several registries."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from towline.kube.secret import config_map_data, docker_config_json, secret_data

NAMES = st.from_regex(r"[a-z.]{1,5}", fullmatch=True)


@given(st.dictionaries(NAMES, st.binary(max_size=20)))
def test_a_secrets_values_are_bytes(values: dict[str, bytes]) -> None:
    """Whatever they are."""
    data = {name: base64.b64encode(value).decode() for name, value in values.items()}

    assert secret_data({"data": data}) == values


def test_no_data_is_no_values() -> None:
    """Absent, null or empty."""
    assert secret_data({}) == {}
    assert secret_data({"data": None}) == {}
    assert config_map_data({"data": None, "binaryData": None}) == {}


def test_a_config_map_has_text_and_bytes() -> None:
    """In two fields; whoever mounts it does not care."""
    config_map = {"data": {"a": "ü"}, "binaryData": {"b": "/w=="}}

    assert config_map_data(config_map) == {"a": "ü".encode(), "b": b"\xff"}


@given(password=st.text(max_size=20))
def test_a_pull_secret_logs_in_to_all_of_its_servers(password: str) -> None:
    """Passwords may hold colons; the user name ends at the first."""
    held = json.loads(
        base64.b64decode(docker_config_json(["a.io", "b.io:5000"], "robot", password))
    )

    assert held["auths"].keys() == {"a.io", "b.io:5000"}
    for login in held["auths"].values():
        assert (login["username"], login["password"]) == ("robot", password)
        assert base64.b64decode(login["auth"]).decode() == f"robot:{password}"
