"""Lightning modules, data modules and callbacks behind ``motion train``."""

from motion.train.main import STAGES, main

__all__ = ["STAGES", "main"]
