"""What a runtime printed is taken apart: the error in the noise, its innermost cause, who was asked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.diagnosis.reading import Party, Reading, Request, read

HEAD = 'Head "https://hub.example/v2/team/app/manifests/1.0": '
RESOLVE = 'failed to pull and unpack image "hub.example/team/app:1.0": failed to resolve image: '
SILENCE = "dial tcp 10.0.0.5:443: i/o timeout"
PULLING = 'Failed to pull image "hub.example/team/app:1.0": '
SOURCE = "Error: initializing source docker://hub.example/team/app:1.0: "
DESCRIBED = f"""
Events:
  Type     Reason     Age                From     Message
  ----     ------     ----               ----     -------
  Normal   Pulling    9s (x2 over 40s)   kubelet  Pulling image "hub.example/team/app:1.0"
  Warning  Failed     8s (x2 over 39s)   kubelet  {PULLING}{HEAD}{SILENCE}
  Warning  Failed     8s (x2 over 39s)   kubelet  Error: ErrImagePull
  Normal   BackOff    1s                 kubelet  Back-off pulling image "hub.example/team/app:1.0"
  Warning  Failed     1s                 kubelet  Error: ImagePullBackOff
"""
PODMAN = f"""Trying to pull hub.example/team/app:1.0...
time="2026-01-01T00:00:00Z" level=warning msg="Failed, retrying in 1s ... (1/3). {SOURCE}EOF"
{SOURCE}{HEAD}{SILENCE}
"""
SKOPEO = (
    'time="2026-01-01T00:00:00Z" level=fatal msg="initializing source docker://hub.example/team/app:1.0: '
    f'{HEAD.replace(chr(34), chr(92) + chr(34))}{SILENCE}"'
)
WAYS_TO_SAY_IT = {
    "kubelet, old": f"rpc error: code = Unknown desc = {RESOLVE}failed to do request: {HEAD}{SILENCE}",
    "kubelet, new": f'Failed to pull image "hub.example/team/app:1.0": {RESOLVE}{HEAD}{SILENCE}',
    "ctr": f"ctr: failed to resolve image: failed to do request: {HEAD}{SILENCE}",
    "docker": f"Error response from daemon: {HEAD}{SILENCE}",
    "podman": PODMAN,
    "skopeo": SKOPEO,
    "describe": DESCRIBED,
    "a JSON event": json.dumps({"reason": "Failed", "message": f"{RESOLVE}{HEAD}{SILENCE}"}),
    "JSON lines": '{"status":"Pulling"}\n' + json.dumps({"error": f"{HEAD}{SILENCE}"}),
    "Windows' line ends": f"Error response from daemon: {HEAD}{SILENCE}\r\n",
    "an old Go without quotes": f"failed to do request: Head https://hub.example/v2/a/manifests/1: {SILENCE}",
}


@pytest.mark.parametrize("text", WAYS_TO_SAY_IT.values(), ids=WAYS_TO_SAY_IT)
def test_the_innermost_cause_is_found_whoever_says_it(text: str) -> None:
    """Wrappers differ by client and version; the cause is Go's."""
    reading = read(text)

    assert reading.cause == SILENCE
    assert str(reading.address) == "10.0.0.5"
    assert reading.host == "hub.example"
    assert reading.party is Party.REGISTRY


EVENTS = {
    "describe": """Events:
  Warning  FailedToRetrieveImagePullSecret  3s (x5 over 60s)  kubelet  Unable to retrieve some secrets
  Warning  BackOff                          3s (x5 over 60s)  kubelet  Back-off restarting failed container
  Warning  Failed                           2s (x3 over 40s)  kubelet  Failed to pull image "h.example/a:1": EOF
""",
    "get events": """LAST SEEN   TYPE      REASON    OBJECT    MESSAGE
9s          Warning   Failed    pod/web   Failed to pull image "h.example/a:1": EOF
9s          Warning   Failed    pod/web   Error: ErrImagePull
""",
    "events as JSON": json.dumps(
        {
            "items": [
                {"reason": "Failed", "message": 'Failed to pull image "h.example/a:1": EOF'},
                {"reason": "Failed", "message": "Error: ErrImagePull"},
            ]
        }
    ),
    "a back-off with its cause": "Warning  BackOff  3s  kubelet  "
    'Back-off pulling image "h.example/a:1": ErrImagePull: EOF',
    "a description without events": """Name:             web
    State:          Waiting
      Reason:       ErrImagePull
      Message:      failed to pull image "h.example/a:1": EOF
Events:            <none>
""",
}


@pytest.mark.parametrize("text", EVENTS.values(), ids=EVENTS)
def test_of_a_pods_events_the_one_with_a_cause_counts(text: str) -> None:
    """The kubelet says in many that it waits, and in few why."""
    reading = read(text)

    assert reading.cause.endswith(": eof")
    assert "\n" not in reading.text
    assert reading.image in {"h.example/a:1", ""}


def asked_whom(text: str) -> tuple[Request, Party]:
    """Which request a text is about, and to whom."""
    reading = read(text)
    return reading.request, reading.party


@pytest.mark.parametrize(
    ("text", "request_", "party"),
    [
        (f"{RESOLVE}failed to do request: {HEAD}EOF", Request.MANIFEST, Party.REGISTRY),
        (
            'pinging container registry a.example: Get "https://a.example/v2/": EOF',
            Request.PING,
            Party.REGISTRY,
        ),
        (
            'failed to authorize: failed to fetch oauth token: Post "https://auth.example/token": EOF',
            Request.TOKEN,
            Party.TOKEN_SERVER,
        ),
        (
            f'Error response from daemon: {HEAD}Get "https://auth.example/token?account=me&scope=x": EOF',
            Request.TOKEN,
            Party.TOKEN_SERVER,
        ),
        (
            'httpReadSeeker: failed open: failed to do request: Get "https://cdn.example/x": EOF',
            Request.BLOB,
            Party.BLOB_STORE,
        ),
        (
            'failed to copy: httpReadSeeker: failed open: Get "https://a.example/v2/b/blobs/sha256:0": EOF',
            Request.BLOB,
            Party.REGISTRY,
        ),
        (f"{HEAD}proxyconnect tcp: EOF", Request.MANIFEST, Party.PROXY),
    ],
    ids=["manifest", "ping", "token", "token in docker", "redirected blob", "blob", "proxy"],
)
def test_a_text_tells_who_was_asked_for_what(text: str, request_: Request, party: Party) -> None:
    """The same cause means another thing at another station."""
    assert asked_whom(text) == (request_, party)


def test_of_attempts_with_and_without_a_key_the_one_with_a_key_counts() -> None:
    """The kubelet tries every credential and joins what came of it."""
    keyed = "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"
    bare = (
        "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"
    )
    text = f"[rpc error: code = Unknown desc = {keyed}, rpc error: code = Unknown desc = {bare}]"

    assert read(text).anonymous is False
    assert read(f"rpc error: code = Unknown desc = {bare}").anonymous is True


def test_a_pull_that_hangs_has_printed_no_error() -> None:
    """Progress is no error, wherever it stopped."""
    assert not read("1.0: Pulling from team/app\n0b7680c2ce11: Pulling fs layer").failed
    assert not read("").failed
    assert read("unexpected EOF").failed


def test_docker_prints_what_happens_to_layers_bare() -> None:
    """Errors before them are an `Error response from daemon`."""
    assert read("unauthorized: authentication required", "docker 28").request is Request.BLOB
    answer = read("Error response from daemon: unauthorized: authentication required", "docker 28")

    assert answer.request is not Request.BLOB


def test_plain_http_after_https_is_a_second_symptom() -> None:
    """crane tells of both; the first is the cause."""
    text = (
        'Error: Get "https://10.0.0.5/v2/": x509: certificate signed by unknown authority; '
        'Get "http://10.0.0.5/v2/": dial tcp 10.0.0.5:80: connect: connection refused'
    )

    assert read(text).cause == "x509: certificate signed by unknown authority"


@given(text=st.text(), client=st.text())
def test_any_text_can_be_read(text: str, client: str) -> None:
    """Whatever is pasted, nothing breaks."""
    reading = read(text, client)

    assert isinstance(reading, Reading)
    assert "\n" not in reading.shown
