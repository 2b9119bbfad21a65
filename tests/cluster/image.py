"""Container images, built with buildah as root and without a registry."""

import json
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.cluster.machine import BIN, CACHE, ROOT, Argument, output, run, succeeds
from tests.cluster.parts import s3_server

IMAGE = "localhost/emg:test"
BASE = "localhost/emg-base:bookworm-undated"
_ANEW_BASE = f"{BASE}-anew"
PAUSE = "localhost/pause:1"

# What every program needs of Debian; pip comes with venv and only works during the build.
_BASE_PACKAGES = "python3,python3-venv,libstdc++6,ca-certificates"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
_NO_DATES = {"SOURCE_DATE_EPOCH": "0"}
_CHROOT = {"BUILDAH_ISOLATION": "chroot"}
_CERTIFICATES = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")

# Every pod needs a container that does nothing but hold its namespaces.
_PAUSE_SOURCE = """
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void down(int number) { _exit(0); }
static void reap(int number) { while (waitpid(-1, 0, WNOHANG) > 0); }
int main(void) { signal(SIGINT, down); signal(SIGTERM, down); signal(SIGCHLD, reap); for (;;) pause(); }
"""


def build_images(name: str = IMAGE) -> list[Path]:
    """Build the try-out's image and that of all programs from what is in dist/, and return them as archives."""
    if not _exists(BASE):
        _build_scratch(BASE, _fill_base)
    s3_server().build()
    shutil.copy2(BIN / "versitygw", ROOT / "dist" / "versitygw")
    return [_build("tryout", tryout_name(name)), _build("runtime", name)]


def differing_images(name: str) -> list[str]:
    """Build base and images anew beside those there are, with nothing kept from before, and name those that differ."""
    pairs = [("tryout", tryout_name(name)), ("runtime", name)]
    _build_scratch(_ANEW_BASE, _fill_base)
    for target, image in pairs:
        _build_layers(target, f"{image}-anew", base=_ANEW_BASE, cached=False)
    return [image for _, image in pairs if _content(image) != _content(f"{image}-anew")]


def _content(image: str) -> tuple[dict[str, Any], list[str]]:
    """Return an image's settings and its layers' hashes; its history names its base, which has another name anew."""
    facts = json.loads(run(*buildah("inspect", "--type=image", image)))["OCIv1"]
    return facts["config"], facts["rootfs"]["diff_ids"]


def tryout_name(name: str = IMAGE) -> str:
    """Name the image with a database and a storage in it that belongs to an image."""
    repository, _, tag = name.rpartition(":")
    return f"{repository}-tryout:{tag}"


def _build(target: str, name: str) -> Path:
    _build_layers(target, name, base=BASE, cached=True)
    return archive_of(name)


def _build_layers(target: str, name: str, *, base: str, cached: bool) -> None:
    # Where a proxy signs connections anew, pip has to trust this machine's authorities.
    secret = [f"--secret=id=ca,src={_CERTIFICATES}"] if _CERTIFICATES.exists() else []
    # The same sources make the same image, to the byte.
    options = ["--layers", "--timestamp=0", f"--target={target}", f"--build-arg=BASE={base}", *secret]
    run(*buildah("build", *options, *([] if cached else ["--no-cache"]), "-t", name, ROOT), env=_CHROOT)


def build_with_file(base: str, name: str, *, file: str, content: str) -> Path:
    """Build an image that has one more file than another, and return it as an archive."""
    folder = CACHE / "images" / "with-file"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "file").write_text(content)
    (folder / "Containerfile").write_text(f"FROM {base}\nCOPY file {file}\n")
    run(*buildah("build", "-t", name, folder), env=_CHROOT)
    shutil.rmtree(folder)
    return archive_of(name)


def build_pause() -> Path:
    """Build the image that holds a pod's namespaces and return it as an archive."""
    _build_scratch(PAUSE, _fill_pause)
    return archive_of(PAUSE)


def image_bytes(image: str) -> int:
    """Return an image's size, unpacked."""
    (facts,) = json.loads(run(*buildah("images", "--json", image)))
    size, unit = facts["size"].split()
    return int(float(size) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])


def buildah(*arguments: Argument) -> list[str]:
    """Return the command line of buildah on a store of our own."""
    return _buildah_with(_storage_driver(), *arguments)


def _buildah_with(driver: str, *arguments: Argument) -> list[str]:
    store = [f"--root={CACHE}/images/{driver}", f"--runroot={CACHE}/images/run", f"--storage-driver={driver}"]
    return ["buildah", *store, *map(str, arguments)]


@cache
def _storage_driver() -> str:
    """Return overlay, or where the file system does not carry it vfs: thrice as slow, whole copies for layers."""
    return "overlay" if succeeds(*_buildah_with("overlay", "info")) else "vfs"


def _exists(image: str) -> bool:
    return succeeds(*buildah("inspect", "--type=image", image))


def _build_scratch(image: str, fill: Callable[[Path], str]) -> None:
    """Build an image that stands on nothing: `fill` puts files into a folder and returns the Containerfile's lines."""
    folder = CACHE / "images" / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "Containerfile").write_text(f"FROM scratch\n{fill(folder)}\n")
    run(*buildah("build", "--timestamp=0", "-t", image, folder), env=_CHROOT)
    shutil.rmtree(folder)


def _fill_base(folder: Path) -> str:
    """Debian's packages as its installer would lay them out, with the compiled standard library."""
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    packages = f"--include={_BASE_PACKAGES}"
    run(
        "mmdebstrap",
        "--quiet",
        "--variant=essential",
        packages,
        *excludes,
        "bookworm",
        folder / "base.tar",
        env=_NO_DATES,
    )
    return "ADD base.tar /"


def _fill_pause(folder: Path) -> str:
    (folder / "pause.c").write_text(_PAUSE_SOURCE)
    run("gcc", "-static", "-Os", "-o", folder / "pause", folder / "pause.c")
    return 'COPY pause /pause\nUSER 65535\nENTRYPOINT ["/pause"]'


def digest_of(image: str) -> str:
    """Return what names an image's content: the hash of its settings and layers."""
    return output(*buildah("images", "--quiet", "--no-trunc", image)).removeprefix("sha256:")


def archive_of(image: str) -> Path:
    """Write an image to a file named after its content, unless that is there already."""
    digest = digest_of(image)
    name = image.removeprefix("localhost/").replace(":", "-").replace("/", "-")
    archive = CACHE / "images" / f"{name}-{digest[:12]}.tar"
    if not archive.exists():
        for outdated in archive.parent.glob(f"{name}-*.tar"):
            outdated.unlink()
        # Docker's format leaves layers uncompressed: half the time of an OCI archive.
        run(*buildah("push", "--quiet", image, f"docker-archive:{archive}:{image}"))
    return archive
