"""The official clients of the cloud, unmodified, as their users run them: tccli and the Python SDK."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from demo.command import run
from demo.installation import until
from demo.teller import Teller

REGION = "ap-guangzhou"
TCCLI = Path(sys.executable).parent / "tccli"
VERSIONS = {
    "tcr": "2019-09-24",
    "vpc": "2017-03-12",
    "privatedns": "2020-10-28",
    "tke": "2018-05-25",
}

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """Where the cloud is and with which key it is asked."""

    endpoint: str
    secret_id: str
    secret_key: str

    @classmethod
    def of(cls, data: Path) -> Account:
        """The account of an installation."""
        key = json.loads((data / "access-key.json").read_text())
        doors = json.loads((data / "doors.json").read_text())
        return cls(doors["cloud"], key["SecretId"], key["SecretKey"])


@dataclass(frozen=True, slots=True)
class Tccli:
    """The command line of the cloud; each call is a process and is shown."""

    account: Account
    home: Path
    teller: Teller

    def __call__(self, product: str, action: str, **asked: Any) -> Answer:
        """The answer; raises `Unexpected` when the cloud refused."""
        words = [product, action]
        for name, value in asked.items():
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        self.teller.command("tccli " + shlex.join(words))
        where = ["--endpoint", self.account.endpoint, "--region", REGION]
        environment = {
            "HOME": str(self.home),
            "TENCENTCLOUD_SECRET_ID": self.account.secret_id,
            "TENCENTCLOUD_SECRET_KEY": self.account.secret_key,
        }
        ended = run([str(TCCLI), *words, *where], environment=environment).succeeded()
        found: Answer = json.loads(ended.out)
        return found

    def poll(
        self, product: str, action: str, done: Callable[[Answer], object], **asked: Any
    ) -> Answer:
        """Ask until it is so, as scripts do; the answer that was waited for."""
        answers: list[Answer] = []

        def is_so() -> bool:
            answers[:] = [self(product, action, **asked)]
            return bool(done(answers[0]))

        until(f"end of {action}", is_so)
        return answers[0]


@dataclass(frozen=True, slots=True)
class Sdk:
    """The Python SDK; each call is shown."""

    account: Account
    teller: Teller

    def __call__(self, product: str, action: str, **asked: Any) -> Answer:
        """The answer; raises the SDK's own exception when the cloud refused."""
        self.teller.command(f"{product}.{action}({json.dumps(asked)})   # SDK")
        package = f"tencentcloud.{product}.v{VERSIONS[product].replace('-', '')}"
        models = importlib.import_module(f"{package}.models")
        module = importlib.import_module(f"{package}.{product}_client")
        profile = ClientProfile(
            httpProfile=HttpProfile(
                endpoint=self.account.endpoint.removeprefix("http://"), protocol="http"
            )
        )
        credential = Credential(self.account.secret_id, self.account.secret_key)
        client = getattr(module, f"{product.capitalize()}Client")(credential, REGION, profile)
        request = getattr(models, f"{action}Request")()
        request.from_json_string(json.dumps(asked))
        found: Answer = json.loads(getattr(client, action)(request).to_json_string())
        return found

    def refused(self, product: str, action: str, **asked: Any) -> str:
        """The error code with which the cloud refuses."""
        try:
            self(product, action, **asked)
        except TencentCloudSDKException as error:
            return str(error.get_code())
        raise AssertionError(f"{action} was not refused")
