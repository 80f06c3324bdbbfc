"""What a container runs and with which variables: the image's config and the pod's wishes joined.

The rules for the command are Kubernetes' ("Define a Command and Arguments for a Container"), the
order of the variables is containerd's (`pkg/oci/spec_opts.go`): a later value takes the place of an
earlier one of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable

from towline.cluster.node.provider import ContainerSpec
from towline.oci.image_config import ImageConfig

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # containerd's default


def command_line(spec: ContainerSpec, config: ImageConfig) -> tuple[str, ...]:
    """The words to run; none when neither says any.

    The image's arguments belong to the image's entrypoint: a command of the pod's drops both.
    """
    if spec.command:
        return (*spec.command, *(spec.args or ()))
    return (*config.entrypoint, *(spec.args or config.command))


def environment(
    spec: ContainerSpec, config: ImageConfig, hostname: str, home: str
) -> tuple[str, ...]:
    """The variables, as `NAME=value`. `home` is the user's own folder: a runtime would set HOME as
    well, but crun waits for ever when the list of users is a pipe.
    """
    terminal = [("TERM", "xterm")] if spec.tty else []
    own = [("HOSTNAME", hostname)]
    pairs = _joined([("PATH", _PATH)], config.env, terminal, own, spec.env)
    pairs.setdefault("HOME", home)
    return tuple(f"{name}={value}" for name, value in pairs.items())


def working_dir(spec: ContainerSpec, config: ImageConfig) -> str:
    """Where it starts, as an absolute path."""
    chosen = spec.working_dir or config.working_dir or "/"
    return chosen if chosen.startswith("/") else f"/{chosen}"


def _joined(*parts: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for part in parts for name, value in part}
