"""`towline why`: why a pull failed, from what a runtime printed, or by looking at an image or a pod."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call
from towline.cli.render import Output, OutputOption
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.diagnosis import Diagnosis
    from towline.diagnosis.verdict import Verdict

_POD = "pod/"
_MAKERS_OF_PODS = ("deployment/", "replicaset/")
_NOTHING: Mapping[str, Any] = {
    "code": None,
    "stage": None,
    "confidence": None,
    "alternatives": [],
    "cause": None,
    "evidence": [],
    "decided_by": None,
    "remedy": None,
}
_IN_NAMES = frozenset("/:@.")

Asked = Annotated[
    str,
    typer.Argument(
        metavar="TEXT|-|IMAGE|pod/NAME",
        help="What a runtime printed (`-`: on standard input), an image, or a pod.",
    ),
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="The pod's Kubernetes namespace.")
]
PodName = Annotated[str, typer.Option("--pod", help="Look at the image as if this pod pulled it.")]
Client = Annotated[
    str,
    typer.Option("--client", help="Which runtime printed the text: containerd, docker, podman."),
]
Batch = Annotated[
    Path | None,
    typer.Option("--batch", help="A file of JSON objects, one a line, with `text` (and `client`)."),
]
Explain = Annotated[
    str, typer.Option("--explain", metavar="CODE", help="Print the page of a cause instead.")
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", help="Default: the environment's, or the installation's."),
]


def why_command(
    asked: Asked = "",
    *,
    namespace: Namespace = "default",
    pod: PodName = "",
    client: Client = "",
    batch: Batch = None,
    explain: Explain = "",
    kubeconfig: Kubeconfig = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say why a pull failed, how sure that is, and what mends it.

    A text is read; an image or a pod is looked at, the pod from its own network. Where a text fits
    several causes they are all named, with the request that decides. Exit code 1 when the text tells
    of no cause that is known.

    Example: kubectl describe pod web-1 | towline why -
    """
    if explain:
        typer.echo(_page(explain))
    elif batch is not None:
        for line in _answers(batch):
            typer.echo(line)
    elif not asked:
        raise Problem(
            "nothing-asked",
            cause="neither a text nor an image nor a pod is given",
            remedy="for example: kubectl describe pod web-1 | towline why -",
        )
    elif asked.startswith(_MAKERS_OF_PODS):
        raise Problem(
            "not-a-pod",
            cause=f"{asked} makes pods, and it is they who pull",
            remedy="name one of them, pod/NAME (see `kubectl get pods`), "
            f"or look at all with `towline fix {asked} --dry-run`",
        )
    elif pod or asked.startswith(_POD) or _is_image(asked):
        name = pod or asked.removeprefix(_POD) if pod or asked.startswith(_POD) else ""
        image = "" if asked.startswith(_POD) else asked
        found = call(_look(image, namespace, name, kubeconfig))
        _show_looks(found, output)
        if not name and _is_bare(asked) and output is Output.TABLE:
            typer.echo(
                f"If the pod {asked} is meant: towline why pod/{asked} --namespace NAMESPACE"
            )
    else:
        _show_reading(_standard_input() if asked == "-" else asked, client, output)


def _is_image(asked: str) -> bool:
    """Errors have blanks in them, names of images have none; a single word may be either."""
    if asked == "-" or any(letter.isspace() for letter in asked):
        return False
    return bool(_IN_NAMES & set(asked)) or not (_is_state(asked) or _read(asked, ""))


def _is_state(word: str) -> bool:
    """Whether it is what `kubectl get pods` shows of a pod that waits for its images."""
    from towline.client.pod_state import PULL_REASONS

    return word.removeprefix("Init:") in PULL_REASONS


def _is_bare(asked: str) -> bool:
    """A word that may as well be the name of a pod."""
    return not set(asked) & set("/:@")


async def _look(
    image: str, namespace: str, pod: str, kubeconfig: Path | None
) -> tuple[Diagnosis, ...]:
    from towline.cli.diagnosing import diagnoses, why_image

    if not pod:
        return (await why_image(image),)
    async with diagnoses(kubeconfig) as found:
        return await found.why_pod(namespace, pod, image)


def _show_looks(found: tuple[Diagnosis, ...], output: Output) -> None:
    """The images that cannot be pulled, or that all can."""
    if output is Output.JSON:
        shown = [{"image": one.image, **_json(one.verdict)} for one in found]
        typer.echo(json.dumps(shown[0] if len(shown) == 1 else shown, indent=2))
        return
    for one in found:
        if one.verdict is None:
            typer.echo(f"Nothing is found that would stop a pull of {one.image}.")
            continue
        typer.echo(f"{one.image}: {_words(one.verdict)}")


def _show_reading(text: str, client: str, output: Output) -> None:
    verdict = _read(text, client)
    if output is Output.JSON:
        typer.echo(json.dumps(_json(verdict), indent=2))
    elif verdict is not None:
        typer.echo(_words(verdict))
    else:
        typer.echo(
            "The text tells of no cause that is known here: give all of the events.", err=True
        )
    if verdict is None:
        raise typer.Exit(1)


def _answers(batch: Path) -> Iterator[str]:
    """An answer for each line of a file, in its order."""
    try:
        lines = _standard_input() if str(batch) == "-" else batch.read_text(errors="replace")
    except OSError as error:
        raise _unreadable(f"{batch}: {error.strerror}") from error
    for number, line in enumerate(lines.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, client = str(row["text"]), str(row.get("client") or "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(f"line {number} of {batch} is no JSON object with `text`") from error
        known = {"id": row["id"]} if "id" in row else {}
        yield json.dumps({**known, **_json(_read(text, client))})


def _standard_input() -> str:
    """All of it; runtimes print what registries send them, which need not be UTF-8."""
    return sys.stdin.buffer.read().decode(errors="replace")


def _unreadable(cause: str) -> Problem:
    return Problem(
        "batch-unreadable",
        cause=cause,
        remedy='write one JSON object a line, as in {"text": "unexpected EOF", "client": "docker"}',
    )


def _read(text: str, client: str) -> Verdict | None:
    """A pull that printed nothing at all hangs: that too is told by its text."""
    from towline.diagnosis.diagnose import diagnose
    from towline.diagnosis.facts import Facts

    return diagnose(Facts(text=text or " ", client=client))


def _json(verdict: Verdict | None) -> Mapping[str, Any]:
    return verdict.to_json() if verdict is not None else _NOTHING


def _words(verdict: Verdict) -> str:
    """A verdict for a person."""
    lines = [f"{verdict.cause} ({verdict.code}, {verdict.confidence.value})"]
    if verdict.alternatives:
        lines.append(f"  It may also be: {', '.join(verdict.alternatives)}.")
    lines += [f"  {line}" for line in verdict.evidence]
    if verdict.alternatives and verdict.decided_by:
        lines.append(f"  What decides: {verdict.decided_by}.")
    lines.append(f"For the {verdict.remedy.who.value}: {verdict.remedy.text}")
    lines += [f"  {command}" for command in verdict.remedy.commands]
    if verdict.remedy.retry_helps:
        lines.append("Trying again may help.")
    lines.append(f"More: towline why --explain {verdict.code}")
    return "\n".join(lines)


def _page(code: str) -> str:
    from towline.diagnosis.catalogue import by_code
    from towline.diagnosis.page import page

    rule = by_code().get(code)
    if rule is None:
        raise Problem(
            "no-such-code",
            cause=f"there is no cause with the code {code}",
            remedy="the codes are in docs/diagnoses, and in every answer of `towline why`",
        )
    return page(rule)
