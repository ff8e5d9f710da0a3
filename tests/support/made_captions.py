"""Files of captions, made in their true format."""

import gzip
import json
from pathlib import Path


def write(folder: Path, name: str, *clips: object) -> None:
    """Write one JSON object a clip."""
    with gzip.open(folder / name, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(clip) + "\n" for clip in clips)


def clip(name: str, split: str, *texts: str) -> dict[str, object]:
    """What the files say of one clip."""
    return {"id": name, "split": split, "captions": [{"text": text} for text in texts]}
