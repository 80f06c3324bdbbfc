"""What a node says of its pods, in the kubelet's words, letter for letter: people search for them.

From `pkg/kubelet/events/event.go`, `images/image_manager.go`, `kuberuntime/kuberuntime_container.go`
and `prober/prober.go`. This is the only module that may contain these texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from towline.cluster.node.provider import Completion, Missing
from towline.diagnosis.verdict import Verdict
from towline.kube.event import EventType
from towline.pull.image_cache import CacheMatch


@dataclass(frozen=True, slots=True)
class Words:
    """An event without what it is about."""

    type: EventType
    reason: str
    message: str
    topic: str = ""
    """Words of one topic replace each other."""


CONTAINER_CREATING = "ContainerCreating"
POD_INITIALIZING = "PodInitializing"
INVALID_IMAGE_NAME = "InvalidImageName"
ERR_IMAGE_PULL = "ErrImagePull"
IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
ERR_IMAGE_NEVER_PULL = "ErrImageNeverPull"
CREATE_CONTAINER_CONFIG_ERROR = "CreateContainerConfigError"
CREATE_CONTAINER_ERROR = "CreateContainerError"
RUN_CONTAINER_ERROR = "RunContainerError"
CRASH_LOOP_BACK_OFF = "CrashLoopBackOff"
FAILED_POST_START_HOOK = "FailedPostStartHook"
DEADLINE_EXCEEDED = "DeadlineExceeded"
DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"
LOST = "ContainerStatusUnknown"
LOST_MESSAGE = (
    "The container could not be located when the pod was terminated.  "
    "The container used to be Running"
)


def _normal(reason: str, message: str) -> Words:
    return Words(EventType.NORMAL, reason, message)


def _warning(reason: str, message: str) -> Words:
    return Words(EventType.WARNING, reason, message)


def pulling(image: str) -> Words:
    """The pull begins."""
    return _normal("Pulling", f'Pulling image "{image}"')


def pulled(image: str, took: float, waited: float, size: int) -> Words:
    """The pull gave the image; `waited` is everything since it was wanted."""
    times = f"{duration(took)} ({duration(waited)} including waiting)"
    return _normal(
        "Pulled",
        f'Successfully pulled image "{image}" in {times}. Image size: {size} bytes.',
    )


def diagnosed(image: str, verdict: Verdict) -> Words:
    """Why the pull fails, in one line; the kubelet has no such event, so the words are ours.

    A topic of its own: it must be heard however much else is said of the pod.
    """
    message = f"{verdict.code}: {verdict.cause}. {verdict.remedy.text} ({verdict.confidence})"
    line = " ".join(message.split())
    return Words(EventType.WARNING, "Diagnosed", line, topic=f"{image} {verdict.code}")


def cache_used(match: CacheMatch) -> Words:
    """What the pod's image cache has of its images. The cloud's own words for it are published
    nowhere, so they are ours.
    """
    count = len(match.found) + len(match.missing)
    if match.trouble:
        text = f'Image cache "{match.cache_id}" {match.trouble}; images are pulled without it'
        return _warning("ImageCacheMissed", text)
    if not match.found:
        text = f'Image cache "{match.cache_id}" has none of the {count} images of this pod'
        return _warning("ImageCacheMissed", text)
    text = f'Image cache "{match.cache_id}" has {len(match.found)} of {count} images of this pod'
    missing = f"; not {', '.join(match.missing)}" if match.missing else ""
    return _normal("ImageCacheUsed", text + missing)


def lazy_start(image: str, missing: Missing) -> Words:
    """The pod may start before its image is whole. The kubelet has no such event, so the words of
    this one and of the next are ours.
    """
    return _normal(
        "LazyStart",
        f'Image "{image}" starts before it is whole: {missing.have} of {missing.wanted} bytes are '
        "here; the rest comes behind",
    )


def lazy_end(image: str, end: Completion) -> Words:
    """The rest of it came, or never will."""
    if end.trouble:
        text = f'Image "{image}" cannot be made whole: {end.trouble}'
        return _warning(
            "LazyFailed", f"{text}; its containers were ended, the next pull is a full one"
        )
    took = duration(end.seconds)
    return _normal("LazyComplete", f'Image "{image}" is whole: {end.size} bytes came in {took}')


def present(image: str) -> Words:
    """No pull was needed."""
    return _normal("Pulled", f'Container image "{image}" already present on machine')


def pull_failed(image: str, error: str) -> Words:
    """The pull did not give the image."""
    return _warning("Failed", f'Failed to pull image "{image}": {error}')


def failed(error: str) -> Words:
    """A container could not be made: a reason of its waiting state, or what the runtime said."""
    return _warning("Failed", f"Error: {error}")


def invalid_image_message(image: str, error: str) -> str:
    """Why a text names no image."""
    return (
        f'Failed to apply default image tag "{image}": '
        f'couldn\'t parse image reference "{image}": {error}'
    )


def root_user_message(pod: str, container: str) -> str:
    """Who must not be root was asked to be; `pod` is its full name."""
    return f"container's runAsUser breaks non-root policy {_where(pod, container)}"


def root_image_message(pod: str, container: str) -> str:
    """The same, of an image that is root's."""
    return f"container has runAsNonRoot and image will run as root {_where(pod, container)}"


def named_user_message(user: str, pod: str, container: str) -> str:
    """The same, of an image whose user is a name, which may be root's."""
    return (
        f"container has runAsNonRoot and image has non-numeric user ({user}), "
        f"cannot verify user is non-root {_where(pod, container)}"
    )


def _where(pod: str, container: str) -> str:
    return f'(pod: "{pod}", container: {container})'


def inspect_failed(message: str) -> Words:
    """A text that names no image."""
    return _warning("InspectFailed", message)


def never_pull_message(image: str) -> str:
    """Why an image that is not there will not be fetched."""
    return f'Container image "{image}" is not present with pull policy of Never'


def never_pull(image: str) -> Words:
    """An image that is not there and will not be fetched."""
    return _warning(ERR_IMAGE_NEVER_PULL, never_pull_message(image))


def back_off_pulling_message(image: str) -> str:
    """Why no pull is tried now."""
    return f'Back-off pulling image "{image}"'


def back_off_pulling(image: str) -> Words:
    """No pull is tried now."""
    return _normal("BackOff", back_off_pulling_message(image))


def missing_pull_secrets(names: Sequence[str]) -> Words:
    """Secrets that the pod names and that cannot be read."""
    return _warning(
        "FailedToRetrieveImagePullSecret",
        f"Unable to retrieve some image pull secrets ({', '.join(names)}); "
        "attempting to pull the image may not succeed.",
    )


def created(container: str) -> Words:
    """The container was made."""
    return _normal("Created", f"Created container {container}")


def started(container: str) -> Words:
    """The container runs."""
    return _normal("Started", f"Started container {container}")


def stopping(container: str) -> Words:
    """The container is told to end."""
    return _normal("Killing", f"Stopping container {container}")


def killing(message: str) -> Words:
    """The container is told to end, for a reason."""
    return _normal("Killing", message)


def failed_probe_message(container: str, probe: str) -> str:
    """A container that did not answer its probe."""
    return f"Container {container} failed {probe} probe"


def changed_message(container: str) -> str:
    """A container that is another one in the pod's specification by now."""
    return f"Container {container} definition changed"


def will_be_restarted(message: str) -> str:
    """The same, when another run follows."""
    return f"{message}, will be restarted"


def crash_back_off_message(seconds: float, container: str, pod: str) -> str:
    """Why a container that ended is not started now; `pod` is its full name."""
    return f"back-off {duration(seconds)} restarting failed container={container} pod={pod}"


def crash_back_off(container: str, pod: str) -> Words:
    """A container that ended is not started now."""
    return _warning("BackOff", f"Back-off restarting failed container {container} in pod {pod}")


def unhealthy(probe: str, output: str) -> Words:
    """A probe that failed; `probe` is `Liveness`, `Readiness` or `Startup`."""
    return _warning("Unhealthy", f"{probe} probe failed: {output}")


def probe_error(probe: str, error: str) -> Words:
    """A probe that could not be made."""
    return _warning("Unhealthy", f"{probe} probe errored: {error}")


def failed_sandbox(error: str) -> Words:
    """The pod's namespaces could not be made."""
    return _warning("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")


def failed_mount(volume: str, error: str) -> Words:
    """A volume's files could not be had."""
    return _warning("FailedMount", f'MountVolume.SetUp failed for volume "{volume}" : {error}')


def failed_kill(error: str) -> Words:
    """Something of the pod would not go."""
    return _warning("FailedKillPod", f"error killing pod: {error}")


def failed_post_start(error: str) -> Words:
    """What should follow a start failed."""
    return _warning(FAILED_POST_START_HOOK, f"PostStartHook failed: {error}")


def failed_pre_stop(error: str) -> Words:
    """What should precede the end failed."""
    return _warning("FailedPreStopHook", f"PreStopHook failed: {error}")


def invalid_variables(keys: Sequence[str], kind: str, namespace: str, name: str) -> Words:
    """Keys of a Secret or ConfigMap (`kind`, as the kubelet writes it) that can be no variables."""
    return _warning(
        "InvalidEnvironmentVariableNames",
        f"Keys [{', '.join(keys)}] from the EnvFrom {kind} {namespace}/{name} were skipped since "
        "they are considered invalid environment variable names.",
    )


def deadline_exceeded() -> Words:
    """The pod was given so much time and no more."""
    return _normal(DEADLINE_EXCEEDED, DEADLINE_MESSAGE)


def duration(seconds: float) -> str:
    """A span as Go writes it, whole milliseconds: `1m20s`, `1.5s`, `15ms`, `0s`."""
    milliseconds = int(seconds * 1000 + 1e-6)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
