"""What can be wanted of a planner, and which task of the model answers it."""

from collections.abc import Mapping
from typing import Literal, get_args

Want = Literal["steps", "next_task", "next_steps", "summary", "scene"]
WANTS: tuple[str, ...] = get_args(Want)
TASK_OF: Mapping[str, str] = {
    "steps": "decompose_task",
    "next_task": "plan_next_task",
    "next_steps": "plan_next_steps",
    "summary": "summarize_steps",
    "scene": "estimate_scene",
}
WANTED_STEPS: tuple[str, ...] = ("steps", "next_steps")
"""Wants that numbered steps answer; a phrase answers the others."""
