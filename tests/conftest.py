"""What all tests share: one thread, fixed seeds, no network, caches aside, a made walk."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before torch, tokenizers or huggingface_hub are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["PIP_NO_INDEX"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from made_motions import make_walk

from motion.representation import Motion

DATA_VARIABLE = "MOTION_DATA"
"""Folder with the real corpora, for the tests that want them; others make their own files."""


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse_far(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"  # a path: a local socket
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {host}; tests run offline")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse_far(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse_far(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest.fixture(scope="session", autouse=True)
def _cache_aside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the tests a cache of their own that sees the weights which were fetched before."""
    from motion.conditioners.baking import CACHE_VARIABLE, cache_root

    folder = tmp_path_factory.mktemp("cache")
    fetched = cache_root() / "weights"
    if fetched.is_dir():
        (folder / "weights").symlink_to(fetched.resolve(), target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        yield


@pytest.fixture
def corpora() -> Path:
    """Folder with the real corpora; the test is skipped where there is none."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{DATA_VARIABLE} names no folder with the real corpora")
    return Path(folder)


@pytest.fixture(scope="session")
def walk_motion() -> Motion:
    """Two seconds of a made walk: 60 frames, forward along +z, soles on the floor at y = 0."""
    return make_walk(60)
