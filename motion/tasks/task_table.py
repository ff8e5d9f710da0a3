"""The one table of tasks: what each reads and what it writes (DESIGN section 9).

Adding a task is one entry here, its paraphrases in ``templates.yaml`` and examples to train on.
"""

from dataclasses import dataclass
from typing import Literal

from motion.errors import RequestError

Output = Literal["motion", "text"]
TEXT_FIELDS: tuple[str, ...] = ("scene", "task", "steps", "caption")
"""Texts that a prompt may carry."""
MOTION_FIELDS: tuple[str, ...] = ("motion", "starting", "ending")
"""Motions that a prompt may carry."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One skill of the model."""

    name: str
    writes: Output
    reads: tuple[tuple[str, ...], ...]
    """Combinations of fields that it can be given; the first is the usual one."""
    thinks: bool = False
    """Whether a thought may stand before the answer."""

    def check(self, fields: tuple[str, ...]) -> None:
        """Refuse a combination of fields that the task does not read.

        Raises:
            RequestError: It is none of ``reads``.
        """
        if not any(set(fields) == set(known) for known in self.reads):
            choices = " or ".join(" + ".join(known) for known in self.reads)
            raise RequestError(
                f"{self.name} reads {choices}, got {' + '.join(fields) or 'nothing'}"
            )


_ENTRIES: tuple[Task, ...] = (
    Task(name="text_to_motion", writes="motion", reads=(("caption",),)),
    Task(name="music_to_motion", writes="motion", reads=((),)),
    Task(name="speech_to_motion", writes="motion", reads=((),)),
    Task(name="motion_to_text", writes="text", reads=(("motion",),)),
    Task(name="motion_prediction", writes="motion", reads=(("motion",),)),
    Task(name="motion_inbetweening", writes="motion", reads=(("starting", "ending"),)),
    Task(
        name="plan_next_task",
        writes="text",
        reads=(("scene", "task"), ("scene", "steps")),
        thinks=True,
    ),
    Task(
        name="plan_next_steps",
        writes="text",
        reads=(("scene", "task"), ("scene", "steps")),
        thinks=True,
    ),
    Task(name="decompose_task", writes="text", reads=(("task",), ("scene", "task")), thinks=True),
    Task(name="summarize_steps", writes="text", reads=(("steps",),)),
    Task(name="estimate_scene", writes="text", reads=(("task",), ("steps",))),
)
TASKS: dict[str, Task] = {task.name: task for task in _ENTRIES}
"""Every task, by name."""
