"""The import rule, checked: a room may import only rooms that stand before it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import motion

ROOT = Path(motion.__file__).parent
LAYERS: list[set[str]] = [
    {"errors"},
    {"optional"},
    {"geometry"},
    {"representation"},
    {"formats"},
    {"data", "tokenizer", "conditioners", "body"},
    {"alignment", "render"},
    {"language"},
    {"tasks"},
    {"generate"},
    {"evaluate"},
    {"train", "serve"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
HEAVY = {
    "torch",
    "scipy",
    "pytorch_lightning",
    "transformers",
    "smplx",
    "trimesh",
    "pyrender",
    "av",
}
HEAVY_AFTER_TORCH = HEAVY - {"torch", "scipy"}
MAX_LINES = 400
FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            if module == "motion":
                rooms.update(alias.name for alias in node.names)
            elif module.startswith("motion."):
                rooms.add(module.split(".")[1])
        elif isinstance(node, ast.Import):
            rooms.update(a.name.split(".")[1] for a in node.names if a.name.startswith("motion."))
    return rooms - {room_of(path)}


def modules_after(code: str) -> set[str]:
    """Top-level names of everything that a fresh process has imported after ``code``."""
    code += "\nimport sys\nprint(' '.join({m.split('.')[0] for m in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path):
    room = room_of(path)
    if room == "__init__":
        return
    upwards = {r for r in imported_rooms(path) if LEVEL[r] >= LEVEL[room]}
    assert not upwards, f"{room} may not import {sorted(upwards)}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_short(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_every_room_has_a_place():
    rooms = {room_of(path) for path in FILES} - {"__init__"}
    assert rooms <= set(LEVEL)


def test_importing_the_package_loads_nothing_heavy():
    assert HEAVY.isdisjoint(modules_after("import motion"))


def test_building_the_command_line_loads_nothing_heavy():
    assert HEAVY.isdisjoint(modules_after("from motion.cli import build_parser\nbuild_parser()"))


@pytest.mark.parametrize("name", ["Motion", "MotionError"])
def test_public_records_need_torch_at_most(name: str):
    assert HEAVY_AFTER_TORCH.isdisjoint(modules_after(f"from motion import {name}"))
