"""``python -m motion`` is ``motion``."""

import sys

from motion.cli import main

if __name__ == "__main__":
    sys.exit(main())
