"""`towline image-cache …`: images that are fetched before any pod wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, image_caches, networks
from towline.cli.instance import TimeoutOption
from towline.cli.pull import Password, PasswordStdin, login_from
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting

if TYPE_CHECKING:
    from towline.client.cloud_image_cache import ImageCacheView
    from towline.pull.keyring import Login

image_cache_app = typer.Typer(
    name="image-cache",
    help="Images that are fetched before any pod wants them.",
    no_args_is_help=True,
)

CacheArgument = Annotated[str, typer.Argument(metavar="CACHE", help="Its name or id.")]
NameOption = Annotated[str, typer.Option("--name", help="What to call it; default: its id.")]
VpcOption = Annotated[str, typer.Option("--vpc", help="Its VPC; default: the only one.")]
SubnetOption = Annotated[
    str, typer.Option("--subnet", help="From where it is fetched; default: the VPC's first.")
]
ServerOption = Annotated[
    str, typer.Option("--server", help="The user's registry; default: the first image's.")
]
UsernameOption = Annotated[
    str, typer.Option("--username", "-u", help="Who fetches; default: nobody in particular.")
]
HttpOption = Annotated[
    list[str] | None, typer.Option("--http", help="A registry without TLS; `all` for each.")
]
SkipVerifyOption = Annotated[
    list[str] | None,
    typer.Option("--skip-verify", help="A registry whose certificate is not verified."),
]
SizeOption = Annotated[int, typer.Option("--size", help="GiB that its layers may take.")]
DaysOption = Annotated[int, typer.Option("--days", help="How long it stays; 0 is for ever.")]
_HINT = """Pods take it by an annotation of their template:
  eks.tke.cloud.tencent.com/use-image-cache: {id}     # or: auto"""


@image_cache_app.command("create")
def create(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="What it is to hold.")],
    *,
    name: NameOption = "",
    vpc: VpcOption = "",
    subnet: SubnetOption = "",
    server: ServerOption = "",
    username: UsernameOption = "",
    password: Password = "",
    password_stdin: PasswordStdin = False,
    http: HttpOption = None,
    skip_verify: SkipVerifyOption = None,
    size: SizeOption = 20,
    days: DaysOption = 0,
    timeout: TimeoutOption = 600.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Fetch images and keep their layers, and wait until they are here.

    Example: towline image-cache create demo.tencentcloudcr.com/team/app:1 --name app
    """
    login = login_from(username, password, from_stdin=password_stdin)
    asked = {
        "ImageCacheName": name,
        "ImageRegistryCredentials": _credentials(login, server or images[0].split("/")[0]),
        "RegistryHttpEndPointList": http or [],
        "RegistrySkipVerifyList": skip_verify or [],
        "ImageCacheSize": size,
        "RetentionDays": days,
    }

    async def run() -> ImageCacheView:
        place = networks()
        where = await place.subnet(await place.vpc(vpc), subnet)
        cloud = image_caches()
        return await cloud.until_ready(await cloud.create(where, images, asked), timeout)

    with waiting("fetching the images of the cache"):
        cache = call(run())
    show_one(_row(cache), output, hint=_HINT.format(id=cache.image_cache_id))


@image_cache_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all image caches.

    Example: towline image-cache list
    """
    rows = [_row(cache) for cache in call(image_caches().caches())]
    show_rows(rows, output, empty="None yet: towline image-cache create IMAGE")


@image_cache_app.command("show")
def show(cache: CacheArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show one image cache, and what happened while it was made.

    Example: towline image-cache show app
    """
    found = call(image_caches().cache(cache))
    events = [
        f"{one.first_timestamp} {one.type} {one.reason}: {one.message}" for one in found.events
    ]
    show_one({**_row(found), "events": events}, output)


@image_cache_app.command("delete")
def delete(cache: CacheArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Delete an image cache; its layers go when the room is needed.

    Example: towline image-cache delete app
    """

    async def run() -> ImageCacheView:
        cloud = image_caches()
        found = await cloud.cache(cache)
        await cloud.delete(found)
        return found

    gone = call(run())
    done(f"image cache {gone.image_cache_name} deleted", output, id=gone.image_cache_id)


def _credentials(login: Login | None, server: str) -> list[dict[str, str]]:
    if login is None:
        return []
    return [{"Server": server, "Username": login.username, "Password": login.password}]


def _row(cache: ImageCacheView) -> dict[str, Any]:
    return {
        "name": cache.image_cache_name,
        "id": cache.image_cache_id,
        "status": cache.status,
        "images": cache.images,
        "size": f"{cache.image_cache_size} GiB",
        "created": cache.creation_time,
        "expires": cache.expire_date_time or "never",
        "matched": cache.last_matched_time or "never",
    }
