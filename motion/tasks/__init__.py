"""Skills of the one language model: what each reads and writes, prompts, thoughts and answers.

Public names load on first use: the table and the prompts need no torch, and a command line that
only lists tasks must not wait for it.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    "answering": ("Answer", "Answerer", "Question"),
    "examples": ("SPLITS", "TaskExample", "read_examples", "write_examples"),
    "prompts": ("Prompt", "held_out_wordings", "make_prompt", "one_line", "paraphrases"),
    "task_table": ("MOTION_FIELDS", "TASKS", "TEXT_FIELDS", "Task"),
    "thinking": (
        *("THINKING_MODES", "TaskNeed", "ThinkingConfig", "ThinkingMode", "ThinkingNeed"),
        *("checked_budget", "checked_mode", "decide_budget", "estimate_need"),
        *("read_switch", "read_switches"),
    ),
    "thinking_need": ("load_need", "measure_need", "save_need"),
}
__all__ = [*(name for names in _MODULES.values() for name in names)]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"motion.tasks.{module}"), name)
    raise AttributeError(f"module 'motion.tasks' has no attribute '{name}'")
