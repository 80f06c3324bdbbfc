"""`towline why` of a pod or an image: looked at now, rather than read from what a runtime printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from towline.cli.cloud_call import call
from towline.cli.render import Output
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.diagnosis import Diagnosis
    from towline.diagnosis.verdict import Verdict

_POD = ("pod/", "pods/", "po/")
FAILING = 1


def is_pod(target: str) -> bool:
    """Whether a pod is meant, as kubectl writes one."""
    return target.startswith(_POD)


def why_pull(target: str, namespace: str, pod: str, output: Output) -> None:
    """Explain the pulls of `pod/NAME`, or of an image, perhaps as if that pod pulled it.

    Exits with 1 when something stops them. JSON has the first verdict's fields and the image; without
    any, its code is empty.
    """
    found = call(_looked_at(target, namespace, pod))
    failing = [one for one in found if one.verdict is not None]
    if output is Output.JSON:
        typer.echo(json.dumps(_document((failing or found)[0]), indent=2, ensure_ascii=False))
    else:
        _show(found)
    if failing:
        raise typer.Exit(FAILING)


async def _looked_at(target: str, namespace: str, pod: str) -> Sequence[Diagnosis]:
    from towline.cli.diagnosing import diagnoses, why_image

    name = target.partition("/")[2] if is_pod(target) else pod.removeprefix("pod/")
    if not name:
        return (await why_image(target),)
    async with diagnoses() as found:
        image = "" if is_pod(target) else target
        answers = await found.why_pod(namespace or "default", name, image)
    if not answers:
        raise Problem(
            "pod-without-images",
            cause=f"the pod {name} names no image",
            remedy="see its containers: kubectl get pod -o yaml",
        )
    return answers


def _document(found: Diagnosis) -> dict[str, object]:
    if found.verdict is None:
        return {"image": found.image, "code": "", "cause": "", "evidence": []}
    return {"image": found.image, **found.verdict.to_json()}


def _show(found: Sequence[Diagnosis]) -> None:
    for one in found:
        typer.echo(f"{one.image}:")
        if one.verdict is None:
            typer.echo("  Nothing is found that would stop a pull.")
        else:
            _show_verdict(one.verdict)


def _show_verdict(verdict: Verdict) -> None:
    typer.echo(f"  {verdict.cause}  [{verdict.code}, {verdict.confidence}]")
    for line in verdict.evidence:
        typer.echo(f"    - {line}")
    typer.echo(f"  {verdict.remedy.text}. ({verdict.remedy.who})")
    for command in verdict.remedy.commands:
        typer.echo(f"    $ {command}")
