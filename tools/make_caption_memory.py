"""Remember the captions of training clips, so that captions of new motions can lean on them.

python tools/make_caption_memory.py --data prepared --alignment A/alignment --out A/memory
"""

import argparse
from pathlib import Path

import torch

from motion.alignment import AlignmentModel, CaptionMemory
from motion.data import load_corpora

CORPORA = ("bandai", "cmu", "cc0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared corpora")
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA))
    parser.add_argument("--alignment", type=Path, required=True, help="gives the shared space")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    corpora = load_corpora([arguments.data / name for name in arguments.corpora])
    model = AlignmentModel.load(arguments.alignment)
    memory = CaptionMemory.from_corpora(corpora, model)
    memory.save(arguments.out)
    texts = len({text for said in memory.captions for text in said})
    print(f"{len(memory)} clips of the train split, {texts} different captions, {arguments.out}")


if __name__ == "__main__":
    main()
