r"""Put trained parts together to a release folder that ``MotionGenerator`` loads.

    python tools/assemble_checkpoint.py --tokenizer runs/release/tokenizer \
        --language runs/release/small/language --out checkpoints/default

Files are copied; the folder is checked by loading it. Alignment and library are copied when given.
"""

import argparse
import shutil
from pathlib import Path

import yaml

from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.generate.checkpoint import (
    ALIGNMENT_FOLDER,
    CONFIG_FILE,
    LANGUAGE_FOLDER,
    LIBRARY_FOLDER,
    TOKENIZER_FOLDER,
)
from motion.representation import FPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in (TOKENIZER_FOLDER, LANGUAGE_FOLDER):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in (ALIGNMENT_FOLDER, LIBRARY_FOLDER):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--name", default="default")
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--top-k", type=int, default=40)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for name in (TOKENIZER_FOLDER, LANGUAGE_FOLDER, ALIGNMENT_FOLDER, LIBRARY_FOLDER):
        source = getattr(arguments, name)
        if source is not None and source.resolve() != (arguments.out / name).resolve():
            shutil.rmtree(arguments.out / name, ignore_errors=True)
            shutil.copytree(source, arguments.out / name)
    config = {
        "name": arguments.name,
        "fps": FPS,
        "sampling": {
            "temperature": arguments.temperature,
            "top_k": arguments.top_k,
            "guidance": arguments.guidance,
        },
        "candidates": arguments.candidates if arguments.alignment else 1,
    }
    with atomic_path(arguments.out / CONFIG_FILE) as path:
        path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    generator = MotionGenerator.from_pretrained(arguments.out)
    motion = generator.generate(text="a person walks forward", seconds=2.0).motion
    size = sum(file.stat().st_size for file in arguments.out.rglob("*") if file.is_file())
    print(f"{arguments.out}: {size / 1e6:.1f} MB, {motion.num_frames} frames made")


if __name__ == "__main__":
    main()
