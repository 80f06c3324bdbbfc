"""What makes no sense is refused, in the words of a real API server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.kube.validated import Object, made, said, said_of_change

from towline.kube import resource_type

UPDATE = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)


def pod(*containers: Object, **spec: Any) -> Object:
    """A pod with its defaults."""
    return made(resource_type.PODS, spec={"containers": [*containers], **spec})


def web(**fields: Any) -> Object:
    """A container that is right but for these fields."""
    return {"name": "web", "image": "web:1", **fields}


def deployment(**spec: Any) -> Object:
    """A Deployment that is right but for these fields."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [web()]}}
    selector = {"matchLabels": {"app": "web"}}
    return made(
        resource_type.DEPLOYMENTS, spec={"selector": selector, "template": template, **spec}
    )


POD_ERRORS: list[tuple[Object, str]] = [
    (pod(), "spec.containers: Required value"),
    (pod({"image": "a"}), "spec.containers[0].name: Required value"),
    (pod({"name": "a"}), "spec.containers[0].image: Required value"),
    (
        pod(web(image=" a")),
        'spec.containers[0].image: Invalid value: " a": must not have leading or trailing whitespace',
    ),
    (pod(web(), web()), 'spec.containers[1].name: Duplicate value: "web"'),
    (
        pod(web(), initContainers=[web()]),
        'spec.containers[0].name: Duplicate value: "web"',
    ),
    (
        pod(web(imagePullPolicy="Sometimes")),
        (
            'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": '
            'supported values: "Always", "IfNotPresent", "Never"'
        ),
    ),
    (
        pod(web(), restartPolicy="Maybe"),
        'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"',
    ),
    (
        pod(web(ports=[{"containerPort": 0}])),
        "spec.containers[0].ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    (
        pod(web(ports=[{"name": "http"}])),
        "spec.containers[0].ports[0].containerPort: Required value",
    ),
    (
        pod(web(env=[{"value": "x"}])),
        "spec.containers[0].env[0].name: Required value",
    ),
    (
        pod(web(env=[{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "y"}}}])),
        (
            'spec.containers[0].env[0].valueFrom: Invalid value: "": '
            "may not be specified when `value` is not empty"
        ),
    ),
    (
        pod(web(volumeMounts=[{"name": "data", "mountPath": "/d"}])),
        'spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ),
    (
        pod(
            web(volumeMounts=[{"name": "d", "mountPath": "/d"}, {"name": "d", "mountPath": "/d"}]),
            volumes=[{"name": "d"}],
        ),
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/d": must be unique',
    ),
    (
        pod(web(), volumes=[{"name": "d", "emptyDir": {}, "secret": {"secretName": "s"}}]),
        "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
    ),
    (
        pod(web(), volumes=[{"name": "d"}, {"name": "d"}]),
        'spec.volumes[1].name: Duplicate value: "d"',
    ),
    (
        pod(web(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}})),
        (
            'spec.containers[0].resources.requests: Invalid value: "2": '
            "must be less than or equal to cpu limit of 1"
        ),
    ),
    (
        pod(web(resources={"requests": {"memory": "-1Gi"}})),
        (
            'spec.containers[0].resources.requests[memory]: Invalid value: "-1Gi": '
            "must be greater than or equal to 0"
        ),
    ),
    (
        pod(web(), tolerations=[{"effect": "NoSchedule", "tolerationSeconds": 5}]),
        (
            'spec.tolerations[0].effect: Invalid value: "NoSchedule": '
            "effect must be 'NoExecute' when `tolerationSeconds` is set"
        ),
    ),
    (
        pod(web(), terminationGracePeriodSeconds=-1),
        "spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0",
    ),
]


@pytest.mark.parametrize(
    ("thing", "error"), POD_ERRORS, ids=[error.partition(":")[0] for _, error in POD_ERRORS]
)
def test_a_pod_that_makes_no_sense_is_refused(thing: Object, error: str) -> None:
    """One mistake, one line."""
    assert said(resource_type.PODS, thing) == [error]


def test_a_pod_that_makes_sense_is_let_in() -> None:
    """With volumes, mounts, ports, resources and an init container."""
    thing = pod(
        web(
            ports=[{"containerPort": 53, "protocol": "UDP"}],
            env=[{"name": "A"}, {"name": "B", "value": "b"}],
            volumeMounts=[{"name": "d", "mountPath": "/d"}],
            resources={"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}},
        ),
        initContainers=[{"name": "first", "image": "i"}],
        volumes=[{"name": "d", "emptyDir": {}}],
    )

    assert said(resource_type.PODS, thing) == []


def test_every_mistake_is_told_at_once() -> None:
    """Nobody likes to be told one after the other."""
    thing = pod({"name": "Web", "image": ""}, restartPolicy="No")

    assert [line.partition(":")[0] for line in said(resource_type.PODS, thing)] == [
        "spec.containers[0].name",
        "spec.containers[0].image",
        "spec.restartPolicy",
    ]


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"selector": {}},
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
        ),
        (
            {"selector": {"matchLabels": {"app": "api"}}},
            (
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: '
                "`selector` does not match template `labels`"
            ),
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}},
            (
                "spec.selector.matchExpressions[0].values: Required value: "
                "must be specified when `operator` is 'In' or 'NotIn'"
            ),
        ),
        (
            {
                "selector": {
                    "matchExpressions": [{"key": "app", "operator": "Exists", "values": ["x"]}]
                }
            },
            (
                "spec.selector.matchExpressions[0].values: Forbidden: "
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            ),
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Near"}]}},
            (
                'spec.selector.matchExpressions[0].operator: Invalid value: "Near": '
                "not a valid selector operator"
            ),
        ),
        (
            {"strategy": {"type": "Slowly"}},
            'spec.strategy.type: Unsupported value: "Slowly": supported values: "Recreate", "RollingUpdate"',
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            (
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": '
                "may not be 0 when `maxSurge` is 0"
            ),
        ),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_a_deployment_that_makes_no_sense_is_refused(spec: Object, error: str) -> None:
    """Its selector has to be one and to match its own pods."""
    assert said(resource_type.DEPLOYMENTS, deployment(**spec)) == [error]


def test_a_selector_is_needed_and_stays() -> None:
    """Otherwise a Deployment would lose its pods."""
    without = deployment()
    del without["spec"]["selector"]
    labels = {"app": "web", "v": "2"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [web()]}}
    other = deployment(selector={"matchLabels": labels}, template=template)

    assert said(resource_type.DEPLOYMENTS, without) == ["spec.selector: Required value"]
    assert said_of_change(resource_type.DEPLOYMENTS, other, deployment()) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","v":"2"}}: field is immutable'
    ]


def test_pods_of_a_deployment_always_restart() -> None:
    """Or there would be nothing to keep up."""
    spec = {"containers": [web()], "restartPolicy": "Never"}
    thing = deployment(template={"metadata": {"labels": {"app": "web"}}, "spec": spec})

    assert said(resource_type.DEPLOYMENTS, thing) == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'
    ]


def test_of_a_pod_hardly_anything_can_be_changed() -> None:
    """The image can, tolerations can be added; a command cannot."""
    held = pod(web(), tolerations=[{"key": "a"}])
    image = pod(web(image="web:2"), tolerations=[{"key": "a"}, {"key": "b"}])
    command = pod(web(command=["sh"]), tolerations=[{"key": "a"}])
    intolerant = pod(web())

    assert said_of_change(resource_type.PODS, image, held) == []
    assert said_of_change(resource_type.PODS, command, held) == [UPDATE]
    assert said_of_change(resource_type.PODS, intolerant, held) == [UPDATE]


def test_an_event_lies_in_the_namespace_of_what_it_is_about() -> None:
    """Or in `default`, if that has none."""
    right = made(resource_type.EVENTS, involvedObject={"namespace": "demo"})
    wrong = made(resource_type.EVENTS, involvedObject={"namespace": "other"})

    assert said(resource_type.EVENTS, right) == []
    assert said(resource_type.EVENTS, wrong) == [
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
    ]


def test_a_namespace_has_a_shorter_name_than_other_objects() -> None:
    """It becomes a part of domain names."""
    dotted = made(resource_type.NAMESPACES, metadata={"name": "a.b"})

    assert said(resource_type.NAMESPACES, dotted) == [
        'metadata.name: Invalid value: "a.b": must not contain dots'
    ]
    assert said(resource_type.SECRETS, made(resource_type.SECRETS, metadata={"name": "a.b"})) == []


def test_an_object_needs_a_name() -> None:
    """Given or generated."""
    assert said(resource_type.SECRETS, made(resource_type.SECRETS, metadata={"name": ""})) == [
        "metadata.name: Required value: name or generateName is required"
    ]
