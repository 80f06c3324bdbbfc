"""The node's own HTTPS: where the API asks for logs, and why a pull fails. It answers nobody else.

The paths and texts are those of the kubelet's `pkg/kubelet/server/server.go`; `/diagnosis` is ours.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from towline.cluster.node.diagnosing import Examiner
from towline.cluster.node.log_choice import NoLog, choose
from towline.cluster.node.log_file import LogFile
from towline.cluster.node.log_options import BadOptions, LogOptions
from towline.cluster.node.pod_worker import PodWorker
from towline.cluster.node.provider import ContainerId, Finding
from towline.cluster.node.settings import NodeSettings
from towline.diagnosis.facts_document import facts_document
from towline.problem import Problem

API_SERVER = "kube-apiserver"
"""The common name of the certificate that the API comes with."""
_GRACE = 1.0  # seconds for answers that are on their way when the node ends


class Directory(Protocol):
    """Where the pods of this agent are found."""

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod."""
        ...


class Logs(Protocol):
    """Where the containers' logs are."""

    def log(self, container: ContainerId) -> Path:
        """The log file of a run."""
        ...


class KubeletServer:
    """Answers for all pods of this agent."""

    def __init__(
        self, directory: Directory, logs: Logs, examiner: Examiner, clock: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._logs = logs
        self._examiner = examiner
        self._clock = clock

    @asynccontextmanager
    async def listening(self, settings: NodeSettings) -> AsyncIterator[int]:
        """Answer for as long as the context lasts; its value is the port."""
        application = web.Application(middlewares=[_only_the_api])
        application.router.add_get(
            "/containerLogs/{namespace}/{pod}/{container}", self._container_logs
        )
        application.router.add_get("/diagnosis/{namespace}/{pod}", self._diagnosis)
        application.router.add_get("/healthz", _healthy)
        runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_GRACE, handler_cancellation=True
        )
        await runner.setup()
        try:
            yield await _listen(runner, settings)
        finally:
            await runner.cleanup()

    async def _container_logs(self, request: web.Request) -> web.StreamResponse:
        namespace, name, container = (
            request.match_info[key] for key in ("namespace", "pod", "container")
        )
        try:
            options = LogOptions.parse(request.query, self._clock())
        except BadOptions as error:
            return web.Response(status=error.status, text=str(error))
        worker = self._directory.find(namespace, name)
        if worker is None:
            return _no_such_pod(name)
        spec = worker.pod.spec
        if all(one.name != container for one in (*spec.init_containers, *spec.containers)):
            text = f'container "{container}" not found in pod "{name}"\n'
            return web.Response(status=404, text=text)
        metadata = {"name": name, "uid": worker.pod.metadata.uid}
        try:
            chosen = choose(worker.status, metadata, container, previous=options.previous)
        except NoLog as error:
            return web.Response(status=400, text=str(error))
        file = LogFile(self._logs.log(chosen), options, lambda: _is_running(worker, chosen))
        return await _stream(request, file)

    async def _diagnosis(self, request: web.Request) -> web.StreamResponse:
        """Why pulls of a pod fail, of all its images or of the one that is asked for."""
        name, image = request.match_info["pod"], request.query.get("image", "")
        worker = self._directory.find(request.match_info["namespace"], name)
        if worker is None:
            return _no_such_pod(name)
        spec = worker.pod.spec
        images = [one.image for one in (*spec.init_containers, *spec.containers)]
        asked = [image] if image else dict.fromkeys(images)
        try:
            found = {one: await self._examiner.examine(worker.pod, one) for one in asked}
        except Problem as problem:
            return web.Response(status=409, text=problem.cause)
        told = [{"image": one, **_told(finding)} for one, finding in found.items()]
        return web.json_response({"images": told})


@web.middleware
async def _only_the_api(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The authority signs for others too: what they have is a name, and no right to any log."""
    name = _caller(request)
    if name == API_SERVER:
        return await handler(request)
    asked = f"user={name}, verb={request.method.lower()}, resource=nodes, subresource=proxy"
    return web.Response(status=403, text=f"Forbidden ({asked})")


def _caller(request: web.Request) -> str:
    """The common name in the client's certificate, which the handshake has verified."""
    certificate = request.get_extra_info("peercert") or {}
    names = (pair for part in certificate.get("subject", ()) for pair in part)
    return next((str(value) for key, value in names if key == "commonName"), "")


async def _stream(request: web.Request, file: LogFile) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    async for piece in file.read():
        await answer.write(piece)
    await answer.write_eof()
    return answer


def _told(finding: Finding) -> dict[str, Any]:
    verdict = finding.verdict
    return {
        "verdict": None if verdict is None else verdict.to_json(),
        "facts": facts_document(finding.facts),
    }


def _no_such_pod(name: str) -> web.Response:
    return web.Response(status=404, text=f'pod "{name}" does not exist\n')


async def _healthy(request: web.Request) -> web.Response:
    del request
    return web.Response(text="ok")


def _is_running(worker: PodWorker, container: ContainerId) -> bool:
    state = worker.states[container.name]
    run = state.run
    return run is not None and run.attempt == container.attempt and run.exit is None


async def _listen(runner: web.AppRunner, settings: NodeSettings) -> int:
    site = web.TCPSite(runner, settings.address, settings.port, ssl_context=_tls(settings))
    try:
        await site.start()
    except OSError as error:
        raise Problem(
            "kubelet-port-taken",
            cause=f"the kubelet cannot listen on {settings.address}:{settings.port}: {error}",
            remedy="end the process that has the port, or choose another port",
        ) from error
    port: int = runner.addresses[0][1]
    return port


def _tls(settings: NodeSettings) -> ssl.SSLContext:
    """Only clients with a certificate of the authority are heard at all."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key)
    context.load_verify_locations(settings.client_authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
