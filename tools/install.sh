#!/usr/bin/env bash
# Installs all that Towline needs on Debian 12 or Ubuntu: system packages, a virtual environment, the
# package itself, and kubectl in the versions that the story is told with.
# Quick when there is nothing to do. Uses sudo when it is not run by root.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
# What runs pods and networks; then what the story and the tests have beside them as clients, peers and judges.
PACKAGES=(ca-certificates crun runc conmon nftables iproute2)
PACKAGES+=(busybox-static skopeo podman docker-registry containerd postgresql dnsmasq-base iperf3 procps util-linux)
KUBECTL=(1.27 1.30 1.33)
STAMP=.venv/.installed

say() { printf 'install: %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
    done
}

# A package's service must not start only because its program is wanted here.
without_services() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    # Whatever ends this: what stayed behind would keep every service of this machine from starting.
    trap "as_root rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 0755 "$policy"
    local outcome=0
    "$@" || outcome=$?
    as_root rm -f "$policy"
    trap - EXIT
    return "$outcome"
}

install_packages() {
    command -v apt-get >/dev/null || { say "no apt-get here: install ${PACKAGES[*]} by hand"; return; }
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || PACKAGES+=(python3-venv)
    local wanted
    mapfile -t wanted < <(missing_packages "${PACKAGES[@]}")
    [ "${#wanted[@]}" = 0 ] && return
    say "system packages to install: ${wanted[*]}"
    as_root apt-get update -qq
    without_services as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}

install_python() {
    [ -e "$STAMP" ] && [ "$STAMP" -nt pyproject.toml ] && [ "$STAMP" -nt requirements.lock ] && return
    say "virtual environment .venv with the locked dependencies"
    [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
    .venv/bin/python -m ensurepip --upgrade >/dev/null 2>&1 || true
    .venv/bin/python -m pip install -q --disable-pip-version-check -r requirements.lock
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .
    touch "$STAMP"
}

install_kubectl() {
    local version missing=()
    for version in "${KUBECTL[@]}"; do
        [ -x ".cache/kubectl/$version/kubectl" ] || missing+=("$version")
    done
    [ "${#missing[@]}" = 0 ] && return
    say "kubectl ${missing[*]} into .cache/kubectl"
    .venv/bin/python tools/kubectl.py "${missing[@]}"
}

command -v "$PYTHON" >/dev/null || { say "Python 3.11 or newer is needed, and there is no $PYTHON"; exit 1; }
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "Python 3.11 or newer is needed; $PYTHON is $("$PYTHON" --version 2>&1)"
    exit 1
}
install_packages
install_python
install_kubectl
say "ready: .venv/bin/towline"
