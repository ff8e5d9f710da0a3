"""The one table of tasks: what each reads and what it writes (DESIGN section 9).

Adding a task is one entry here, its paraphrases in ``templates.yaml`` and examples to train on.
"""

from collections.abc import Collection
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
    """Combinations of fields that it can be given; the first is the usual one. Besides the scene
    each has one text at most, for a prompt has one ``[Input]``."""
    thinks: bool = False
    """Whether a thought may stand before the answer."""

    @property
    def reads_texts(self) -> tuple[tuple[str, ...], ...]:
        """The texts among ``reads``."""
        return tuple(tuple(n for n in known if n in TEXT_FIELDS) for known in self.reads)

    def check(self, fields: Collection[str]) -> None:
        """Refuse a combination of fields that the task does not read.

        Raises:
            RequestError: It is none of ``reads``.
        """
        self._check(fields, self.reads)

    def check_texts(self, fields: Collection[str]) -> None:
        """Refuse a combination of texts that the task does not read; motions come another way.

        Raises:
            RequestError: It is none of ``reads_texts``.
        """
        self._check(fields, self.reads_texts)

    def _check(self, fields: Collection[str], choices: tuple[tuple[str, ...], ...]) -> None:
        if not any(set(fields) == set(known) for known in choices):
            wanted = " or ".join(" + ".join(known) or "no text" for known in choices)
            got = " + ".join(fields) or "nothing"
            raise RequestError(f"{self.name} reads {wanted}, got {got}")


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
