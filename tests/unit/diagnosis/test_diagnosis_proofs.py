"""What a probe's observations prove, and where they do not suffice: the cases that no server here makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from towline.diagnosis.catalogue import all_rules
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import (
    ChallengeSeen,
    ConfigSeen,
    HttpOutcome,
    HttpSeen,
    LayerSeen,
    LoginSeen,
    ManifestSeen,
    Observations,
    SpaceSeen,
    TagsSeen,
    TokenSeen,
)
from towline.diagnosis.observed_path import PathSeen, TlsOutcome, TlsSeen

DIGEST = f"sha256:{'ab' * 32}"
KEY = LoginSeen("hub.example", "robot", matches=True)
SCOPE = ("repository:team/app:pull",)
BEARER = ChallengeSeen("bearer", "https://hub.example/token", "hub")
NOW = 1_800_000_000


def answer(status: int, **more: object) -> HttpSeen:
    """An answer to something."""
    seen = HttpSeen("GET", "https://hub.example/v2/x", HttpOutcome.ANSWERED, status, "")
    return replace(seen, **more)  # type: ignore[arg-type]  # the fields of HttpSeen


def observed(**more: object) -> Observations:
    """What was seen of an image on a registry that is reached."""
    tls = TlsSeen("hub.example", "10.0.0.1:443", TlsOutcome.SHAKEN, clock=NOW)
    seen = Observations(
        "hub.example/team/app:1.0",
        repository="team/app",
        target="1.0",
        platform="linux/amd64",
        path=PathSeen("hub.example", 443, "https", tls=tls),
    )
    return replace(seen, **more)  # type: ignore[arg-type]  # the fields of Observations


def proved(seen: Observations, text: str = "", client: str = "") -> list[str]:
    """The codes that are proved by it, from the stages behind HTTP."""
    facts = Facts(seen=seen, text=text, client=client)
    stages = {"auth", "authz", "manifest", "platform", "blob", "unpack", "storage"}
    rules = [rule for rule in all_rules() if rule.stage in stages]
    return [rule.code for rule in rules if rule.proof is not None and rule.proof(facts)]


def refused(*tokens: TokenSeen, error: str = "", **more: object) -> Observations:
    """A manifest that is refused, after these tokens."""
    challenge = replace(BEARER, error=error)
    manifest = ManifestSeen("1.0", answer(401, credential="bearer"))
    return observed(challenge=challenge, tokens=tokens, manifest=manifest, **more)


def token(status: int, username: str | None, **more: object) -> TokenSeen:
    """An answer of the token server."""
    seen = TokenSeen("https://hub.example/token", "hub", SCOPE, username, answer(status))
    return replace(seen, has_token=status == 200, **more)  # type: ignore[arg-type]  # its fields


def test_a_token_that_does_not_say_what_it_grants_is_judged_by_the_registry() -> None:
    """Docker's tokens can be read, others cannot."""
    seen = refused(token(200, "robot"), error="insufficient_scope", logins=(KEY,))

    assert proved(seen) == ["authz.insufficient-scope"]
    assert proved(replace(seen, challenge=BEARER)) == []


def test_a_key_that_gets_no_token_without_a_scope_is_wrong() -> None:
    """Harbor gives it an empty token when a scope is asked for."""
    bare = replace(token(401, "robot"), scopes=())
    seen = refused(token(200, "robot"), bare, error="insufficient_scope", logins=(KEY,))

    assert proved(seen) == ["auth.wrong-credential"]


def test_a_key_that_has_ended_is_not_called_wrong() -> None:
    """It was right once."""
    ended = replace(KEY, is_token=True, expires=NOW - 60)

    assert proved(refused(token(401, "robot"), logins=(ended,))) == ["auth.expired-credential"]


def test_a_key_for_elsewhere_is_no_key() -> None:
    """Nobody sends it."""
    other = replace(KEY, key="other.example", matches=False)

    assert proved(refused(token(401, None), logins=(other,))) == ["auth.missing-credential"]


def test_a_realm_without_tls_gets_no_key() -> None:
    """The probe withholds it, as a runtime should."""
    plain = replace(BEARER, realm="http://hub.example/token")
    seen = refused(token(200, None, withheld=True), logins=(KEY,))

    assert proved(replace(seen, challenge=plain)) == ["auth.realm-http"]


@pytest.mark.parametrize(
    ("tags", "codes"),
    [
        (answer(200), ["manifest.tag-unknown"]),
        (answer(401), []),
        (answer(404, errors=(("NAME_UNKNOWN", ""),)), ["manifest.name-unknown"]),
    ],
    ids=["tags", "closed", "no-such-name"],
)
def test_a_missing_manifest_is_explained_by_the_tag_list(tags: HttpSeen, codes: list[str]) -> None:
    """Where that is closed to us, nothing is proved."""
    unknown = answer(404, errors=(("MANIFEST_UNKNOWN", ""),))
    manifest = ManifestSeen("1.0", unknown, tags=TagsSeen(tags))

    assert proved(observed(manifest=manifest)) == codes


@pytest.mark.parametrize(
    ("image", "wanted", "codes"),
    [
        ("linux/386", "linux/amd64", []),
        ("linux/arm/v7", "linux/arm64", []),
        ("linux/arm64/v8", "linux/arm64", []),
        ("linux/arm64", "linux/amd64", ["platform.wrong-arch"]),
        ("linux/amd64", "linux/386", ["platform.wrong-arch"]),
        ("windows/amd64", "linux/amd64", ["platform.wrong-os"]),
        ("", "linux/amd64", []),
    ],
)
def test_a_processor_runs_its_forerunners_programs(
    image: str, wanted: str, codes: list[str]
) -> None:
    """And a config that says nothing is not held against the image."""
    config = ConfigSeen(DIGEST, answer(200), 10, 10, DIGEST, image, diff_ids=1, layers=1)

    assert proved(observed(platform=wanted, config=config)) == codes


def test_a_config_that_is_too_large_to_be_read_whole_is_not_called_short() -> None:
    """A probe takes a megabyte of it."""
    size = 3 * 1024 * 1024
    config = ConfigSeen(DIGEST, answer(200), size, 1024 * 1024, f"sha256:{'cd' * 32}")

    assert proved(observed(config=config)) == []


def test_a_layer_is_held_against_its_end_as_well() -> None:
    """A cache may hold the first half of it only."""
    whole = LayerSeen(DIGEST, "application/vnd.oci.image.layer.v1.tar+gzip", 90_000, answer(206))
    cut = replace(whole, tail=answer(206, outcome=HttpOutcome.TRUNCATED))

    assert proved(observed(layers=(whole,))) == []
    assert proved(observed(layers=(whole, cut))) == ["blob.truncated"]


def test_a_disk_is_called_full_when_the_layers_do_not_fit_packed() -> None:
    """How much they unpack to is a guess, unless the runtime has said that it was too much."""
    tight = observed(space=SpaceSeen("/images", 200 << 20, 1000, 300 << 20))

    assert proved(tight) == []
    assert proved(tight, "write /images/x: no space left on device") == ["storage.full"]


def test_a_disk_without_inodes_is_not_called_full() -> None:
    """There is room for bytes."""
    bare = observed(space=SpaceSeen("/images", 900 << 20, 0, 300 << 20))
    uncounted = observed(space=SpaceSeen("/images", 900 << 20, -1, 300 << 20))

    assert proved(bare) == ["storage.inodes"]
    assert proved(uncounted) == []


def test_zstd_is_a_fault_of_old_runtimes_only() -> None:
    """The layer is well."""
    kind = "application/vnd.oci.image.layer.v1.tar+zstd"
    seen = observed(layers=(LayerSeen(DIGEST, kind, 90, answer(206), packing="zstd"),))

    assert proved(seen, client="docker 20.10.24") == ["unpack.zstd-unsupported"]
    assert proved(seen, client="docker 28.5.1") == []
