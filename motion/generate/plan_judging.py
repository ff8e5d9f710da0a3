"""Whether an answer can be used: its form, then what happens when one does as it says."""

from dataclasses import dataclass

from motion.errors import PlanError
from motion.generate.plan_requests import PlanRequest
from motion.tasks.grammars import MOST_STEP_WORDS, PhraseGrammar, StepsGrammar, TextGrammar
from motion.tasks.planning.checks import check_answer
from motion.tasks.planning.parsing import format_steps, parse_steps
from motion.tasks.planning.wording import plain
from motion.tasks.wants import TASK_OF, WANTED_STEPS, Want

MOST_SUMMARY_WORDS = 30
"""Of a task that sums up steps (AvatarGPT's curation asks for no more)."""
_DEFAULTS = {"next_task": "look around", "next_steps": "1. stand still", "scene": "an open place"}
"""What stands in where the model wrote nothing usable."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is to be said of an answer."""

    parses: bool
    """It has the form that was asked for."""
    steps: tuple[str, ...] = ()
    """Its steps, if steps were asked for."""
    checked: bool = False
    """The question was of the grammar, so that the state could be followed."""
    problems: tuple[str, ...] = ()
    """What speaks against it."""

    @property
    def sound(self) -> bool:
        """Whether it parses and nothing speaks against it."""
        return self.parses and not self.problems


def grammar_of(want: Want) -> TextGrammar:
    """What the answer must look like."""
    if want in WANTED_STEPS:
        return StepsGrammar()
    if want in ("next_task", "summary"):
        return PhraseGrammar(most_words=MOST_SUMMARY_WORDS)
    return PhraseGrammar()


def whole_part(want: Want, text: str) -> str:
    """The longest beginning of a text that was cut off which is a whole answer; else nothing."""
    grammar, words = grammar_of(want), text.split()
    for count in range(len(words), 0, -1):
        if grammar.ends(" ".join(words[:count])):
            return " ".join(words[:count])
    return ""


def fallback_text(request: PlanRequest) -> str:
    """A plain answer for when the model wrote nothing usable."""
    texts, _ = request.texts()
    if request.want == "steps":
        words = [word.rstrip(".") for word in texts["task"].split()]
        return format_steps([" ".join([word for word in words if word][:MOST_STEP_WORDS])])
    if request.want == "summary":
        return request.given_steps[0]
    return _DEFAULTS[request.want]


def judge(request: PlanRequest, text: str, *, verified: bool = True) -> Judgement:
    """Look at an answer.

    Args:
        request: What was asked.
        text: What was answered.
        verified: Follow the plan through its scene as well.
    """
    steps: tuple[str, ...] = ()
    try:
        if request.want in WANTED_STEPS:
            steps = parse_steps(text)
    except PlanError:
        return Judgement(parses=False)
    parses = bool(steps) or 0 < len(text.split()) <= MOST_SUMMARY_WORDS
    if not parses:
        return Judgement(parses=False)
    repeated = _repeated(request, text)
    if not verified:
        return Judgement(parses=True, steps=steps, problems=repeated)
    verdict = check_answer(TASK_OF[request.want], request.fields(), text)
    if request.want == "summary" and verdict is not None and not verdict.parsed:
        verdict = None  # steps of the grammar may be summed up in words of one's own
    broken = verdict.broken if verdict is not None else ()
    return Judgement(
        parses=True, steps=steps, checked=verdict is not None, problems=(*repeated, *broken)
    )


def _repeated(request: PlanRequest, text: str) -> tuple[str, ...]:
    known = {plain(task) for task in request.history}
    repeats = request.want == "next_task" and plain(text) in known
    return ("the task was done before",) if repeats else ()
