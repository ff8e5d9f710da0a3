"""Draw the picture that opens the README: filmstrips of motions made by the default weights.

python tools/readme_picture.py --out docs/filmstrip.png
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.render import FilmstripConfig, write_filmstrip

PROMPTS = (
    ("a person walks forward", 3.0),
    ("a person waves with the right hand", 4.0),
    ("a person jumps up", 2.5),
)
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for index, (text, seconds) in enumerate(PROMPTS):
            motion = generator.generate(text=text, seconds=seconds, seed=SEED).motion
            path = Path(folder) / f"{index}.png"
            write_filmstrip(motion, path, config=FilmstripConfig(width=1500, height=380), count=6)
            rows.append(np.asarray(Image.open(path).convert("RGB")))
    with atomic_path(arguments.out) as path:
        Image.fromarray(np.concatenate(rows)).quantize(192).save(path, optimize=True)
    print(f"{arguments.out}: {', '.join(text for text, _ in PROMPTS)}")


if __name__ == "__main__":
    main()
