"""Registries outside, which a pod has to say something about: certificates, HTTP, annotations."""

from __future__ import annotations

from bench.situation.ground import BARE, Ground
from bench.situation.situation import Broken, Situation
from demo.outside import PLAIN, SELF_SIGNED
from demo.workload import PLAIN_HTTP, SKIP_VERIFY

SIGNED_IMAGE, PLAIN_IMAGE = f"{SELF_SIGNED}/outside/app:2", f"{PLAIN}/outside/app:2"
SIGNED_HOST, PLAIN_HOST = (one.partition(":")[0] for one in (SELF_SIGNED, PLAIN))


def _signed(ground: Ground) -> Broken:
    return Broken(image=SIGNED_IMAGE, namespace=BARE, names=(SELF_SIGNED,))


def _signed_bare(ground: Ground) -> Broken:
    return Broken(image=SIGNED_IMAGE, namespace=BARE, names=(SELF_SIGNED,), bare=True)


def _plain(ground: Ground) -> Broken:
    return Broken(image=PLAIN_IMAGE, namespace=BARE, names=(PLAIN, PLAIN_HTTP))


def _signed_with(value: str) -> Broken:
    names = (SKIP_VERIFY, value, SELF_SIGNED)
    annotations = {SKIP_VERIFY: value}
    return Broken(image=SIGNED_IMAGE, namespace=BARE, names=names, annotations=annotations)


def _plain_with(value: str) -> Broken:
    names, annotations = (PLAIN_HTTP, value, PLAIN), {PLAIN_HTTP: value}
    return Broken(image=PLAIN_IMAGE, namespace=BARE, names=names, annotations=annotations)


def _signed_on_workload(ground: Ground) -> Broken:
    names, own = (SKIP_VERIFY, "deployment/"), {SKIP_VERIFY: SELF_SIGNED}
    return Broken(image=SIGNED_IMAGE, namespace=BARE, names=names, own_annotations=own)


def _plain_on_workload(ground: Ground) -> Broken:
    names, own = (PLAIN_HTTP, "deployment/"), {PLAIN_HTTP: PLAIN}
    return Broken(image=PLAIN_IMAGE, namespace=BARE, names=names, own_annotations=own)


TLS, HTTP = "tls.", "tls.http-server"
SITUATIONS = (
    Situation(name="self-signed", code=TLS, make=_signed),
    Situation(name="self-signed, bare pod", code=TLS, make=_signed_bare, flags=("--recreate",)),
    Situation(name="plain HTTP", code=HTTP, make=_plain, flags=("--allow-http",)),
    Situation(name="skip-verify without port", code=TLS, make=lambda _: _signed_with(SIGNED_HOST)),
    Situation(
        name="skip-verify with scheme",
        code=TLS,
        make=lambda _: _signed_with(f"https://{SELF_SIGNED}"),
    ),
    Situation(name="skip-verify on the workload", code=TLS, make=_signed_on_workload),
    Situation(name="HTTP without port", code=HTTP, make=lambda _: _plain_with(PLAIN_HOST)),
    Situation(name="HTTP with scheme", code=HTTP, make=lambda _: _plain_with(f"http://{PLAIN}")),
    Situation(name="HTTP on the workload", code=HTTP, make=_plain_on_workload),
)
