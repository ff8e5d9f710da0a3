from pathlib import Path

import pytest
from made_motions import make_walk

from motion.body import BodyModel
from motion.render import GlStatus, find_gl
from motion.representation import Motion


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return BodyModel.load("neutral")


@pytest.fixture(scope="session")
def gl() -> GlStatus:
    """A machine that can draw; the test is skipped on one that cannot."""
    status = find_gl()
    if not status.available:
        pytest.skip(status.explain())
    return status


@pytest.fixture
def walk() -> Motion:
    return make_walk(15)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "made"
