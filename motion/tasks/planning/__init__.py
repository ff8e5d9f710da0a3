"""Planning in words: scenes, tasks and steps of a controlled grammar whose state is tracked.

Public names load on first use, as those of ``motion.tasks`` do.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    "actions": ("Action", "parse_step"),
    "checks": (
        *("PlanVerdict", "check_answer", "check_next_steps", "check_next_task", "check_plan"),
        *("check_scene", "check_summary"),
    ),
    "parsing": ("format_steps", "parse_steps"),
    "preparing": ("prepare_plans",),
    "routines": ("Plan", "TaskInstance", "followers", "make_plan", "parse_task", "task_kinds"),
    "scenes": ("parse_scene", "scene_kinds", "write_scene"),
    "world": ("State",),
}
__all__ = [*(name for names in _MODULES.values() for name in names)]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"motion.tasks.planning.{module}"), name)
    raise AttributeError(f"module 'motion.tasks.planning' has no attribute '{name}'")
