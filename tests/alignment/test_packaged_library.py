"""The library and the alignment model that the repository carries."""

from pathlib import Path

import torch

from motion.alignment import AlignmentModel, MotionLibrary, embed_motions

DEFAULT = Path(__file__).parents[2] / "checkpoints/default"


def test_packaged_motions_are_where_their_embeddings_say():
    model = AlignmentModel.load(DEFAULT / "alignment")
    library = MotionLibrary.load(DEFAULT / "library", model)  # raises when made by other weights
    assert len(library) == 40
    assert all(entry.captions for entry in library.entries)
    chosen = library.entries[::13]
    found = embed_motions([library.motion(entry) for entry in chosen], model)
    for entry, embedding in zip(chosen, found, strict=True):
        best = library.retrieve(embedding, top_k=1)[0]
        assert best.clip_id == entry.clip_id
        assert best.score > 0.99
        assert torch.isfinite(best.motion().transl).all()
        assert "CC0" in (DEFAULT / "library/README.md").read_text("utf-8")


def test_packaged_library_is_small():
    folder = DEFAULT / "library"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000
