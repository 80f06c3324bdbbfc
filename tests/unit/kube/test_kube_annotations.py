"""The registry annotations work on pods, and a workload that has them in the wrong place is told."""

from __future__ import annotations

from towline.kube.annotations import (
    LAZY,
    POD_ANNOTATIONS,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
    may_be_lazy,
    misplaced,
    misplaced_warning,
)


def test_the_annotations_are_spelled_as_the_cloud_spells_them() -> None:
    """People copy them from its pages; pins, proxies and lazy starts are ours."""
    assert {
        "eks.tke.cloud.tencent.com/registry-insecure-skip-verify",
        "eks.tke.cloud.tencent.com/registry-http-endpoint",
        "eks.tke.cloud.tencent.com/security-group-id",
        "eks.tke.cloud.tencent.com/eip-attributes",
        "eks.tke.cloud.tencent.com/eip-id-list",
        "eks.tke.cloud.tencent.com/eip-injection",
        "eks.tke.cloud.tencent.com/eip-claim-delete-policy",
        "eks.tke.cloud.tencent.com/resolv-conf",
        "eks.tke.cloud.tencent.com/image-gc-high-threshold",
        "eks.tke.cloud.tencent.com/image-gc-low-threshold",
        "eks.tke.cloud.tencent.com/image-gc-period",
        "eks.tke.cloud.tencent.com/use-image-cache",
        "towline.dev/lazy",
        "towline.dev/registry-certificate-sha256",
        "towline.dev/registry-no-proxy",
        "towline.dev/registry-proxy",
    } == POD_ANNOTATIONS


def test_an_annotation_on_the_workload_alone_is_misplaced() -> None:
    """On its template as well it is merely superfluous."""
    workload = {REGISTRY_HTTP_ENDPOINT: "all", REGISTRY_INSECURE_SKIP_VERIFY: "all", "x/y": "z"}
    template = {REGISTRY_HTTP_ENDPOINT: "all"}

    assert misplaced(workload, template) == (REGISTRY_INSECURE_SKIP_VERIFY,)
    assert misplaced(workload, workload) == ()


def test_the_warning_says_where_it_belongs() -> None:
    """kubectl prints it after the apply."""
    assert misplaced_warning(REGISTRY_HTTP_ENDPOINT) == (
        "metadata.annotations[eks.tke.cloud.tencent.com/registry-http-endpoint]: has no effect here; "
        "set it in spec.template.metadata.annotations, where the pods get it from"
    )


def test_a_pod_may_start_lazily_unless_it_says_off() -> None:
    """What nobody understands is no reason to be slow."""
    assert may_be_lazy({})
    assert may_be_lazy({LAZY: "auto"})
    assert may_be_lazy({LAZY: "no"})
    assert not may_be_lazy({LAZY: "off"})
