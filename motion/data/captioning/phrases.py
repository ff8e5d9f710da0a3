"""Texts for actions: pools per action, side, style and language, in a fixed order.

The n-th text of a pool and the n-th text of the mirrored action's pool come from the same
template, so mirroring only exchanges the side words.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from itertools import chain, islice, product, zip_longest

from motion.data.captioning.english import Form, allows_ing, sentence
from motion.data.captioning.tables import Action, read_table

LANGUAGES: tuple[str, ...] = ("en", "zh", "es", "fr", "ja", "ar", "hi")
STYLED_LIMIT = {"en": 16}
"""Styled texts per action and style; languages not named have ``OTHER_STYLED_LIMIT``."""

OTHER_STYLED_LIMIT = 2
PLAIN_LIMIT = {"en": 64}
"""Plain texts per action; languages not named use all they have."""

_CAPITALISED = frozenset({"en", "es", "fr"})
_FULL_STOPS = {"zh": "。", "ja": "。", "hi": "।"}
_STOPPED_SHARE = 4
"""One text in so many is written as a full sentence, with capital and full stop."""

_sentence = cache(sentence)
_SIDE_SLOT = re.compile(r"\{(side|f|m|o)\}")
_MALE = re.compile(r"^(he|a man|a guy)$")
_FEMALE = re.compile(r"^(she|a woman)$")
_OTHER_GENDER = {"feminine": _MALE, "masculine": _FEMALE}
"""Subjects that a style does not go with."""


def rank(*keys: object) -> int:
    """Hash that is the same on every machine and in every run."""
    return int.from_bytes(blake2b("|".join(map(str, keys)).encode(), digest_size=6).digest(), "big")


def texts_of(action: Action, language: str, style: str = "") -> Sequence[str]:
    """Give the pool of texts for an action in a fixed order.

    Args:
        action: What is shown; its side "?" must have been resolved.
        language: One of ``LANGUAGES``.
        style: Key of the style tables; the texts then all name it. Empty: no style words.
    """
    if style:
        return _expand(action, language, style, STYLED_LIMIT.get(language, OTHER_STYLED_LIMIT))
    return _expand(action, language, "", PLAIN_LIMIT.get(language))


def all_texts(language: str) -> Iterator[str]:
    """Give every plain text of the tables, drawn or not, and every styled text that is drawn."""
    table = read_table(f"actions_{language}.yaml")
    own = [tuple(row.get("phrases", ())) for row in read_table("cmu.yaml").values()]
    contents = read_table("bandai.yaml")["contents"].values()
    styled = {Action.parse(text).name for texts in contents for text in texts}
    for phrases in own if language == "en" else ():
        for side in ("left", "right"):  # the mirrored phrases too
            action = Action(name="", side="left", phrases=phrases)
            yield from _expand(action if side == "left" else action.mirrored(), language, "", None)
    for name, templates in table["actions"].items():
        joined = " ".join(templates)
        sides = table["slots"] if "{" in joined else ("none",)
        numbers = table["numbers"] if "{n}" in joined else (0,)
        for side, number in product(sides, numbers):
            action = Action(name=name, side=side, number=number)
            yield from _expand(action, language, "", None)
            for style in table["styles"] if name in styled else ():
                yield from texts_of(action, language, style)


@cache
def _expand(action: Action, language: str, style: str, limit: int | None) -> tuple[str, ...]:
    """Fill templates: the first variant of each, then the second of each, up to a limit."""
    table = read_table(f"actions_{language}.yaml")
    own = action.phrases if language == "en" else ()  # phrases of a trial are English
    templates = (*own, *table["actions"].get(action.name, ()))
    fitting = [template for template in templates if _fits(template, action, table["numbers"])]
    variants = _english_variants if language == "en" else _other_variants
    rounds = [variants(template, style, language) for template in fitting]
    turns = (text for text in chain.from_iterable(zip_longest(*rounds)) if text is not None)
    slots = {**table["slots"][action.side], "n": table["numbers"].get(action.number, "")}
    return tuple(dict.fromkeys(_finish(text, slots, language) for text in islice(turns, limit)))


def _fits(template: str, action: Action, numbers: dict[int, str]) -> bool:
    if _SIDE_SLOT.search(template) and action.side not in ("left", "right"):
        return False
    return "{n}" not in template or action.number in numbers


@cache
def _english_variants(phrase: str, style: str, language: str) -> tuple[str, ...]:
    """Sentences of one verb phrase with all subjects; side slots stay open."""
    table = read_table(f"actions_{language}.yaml")
    forms: list[tuple[str, Form]] = [(subject, form) for subject, form in table["subjects"]]
    if not allows_ing(phrase):
        forms = [(s, form) for s, form in forms if form in ("simple", "imperative")]
    if style in _OTHER_GENDER:
        forms = [(s, form) for s, form in forms if not _OTHER_GENDER[style].match(s)]
    texts = [_sentence(phrase, subject, form) for subject, form in forms]
    if style:
        words = table["styles"][style]
        texts = [f"{text} {adverb}" for text, adverb in product(texts, words["adverbs"])]
        # As often as about one in six: "a tired person walks" instead of "walks tiredly".
        named = [_sentence(phrase, subject, "simple") for subject in words["subjects"]]
        texts += named * max(1, len(texts) // (6 * len(named)))
    # The digest is the rank as bytes; asking ``rank`` so often costs seconds in checked runs.
    seed = f"{phrase}|{style}|"
    order = sorted(
        range(len(texts)), key=lambda i: blake2b(f"{seed}{i}".encode(), digest_size=6).digest()
    )
    return tuple(dict.fromkeys(texts[i] for i in order))


@cache
def _other_variants(template: str, style: str, language: str) -> tuple[str, ...]:
    """One sentence template without style words, or with each adverb of the style."""
    if not style:
        return (template.replace("{s}", ""),)
    if "{s}" not in template:
        return ()
    adverbs = read_table(f"actions_{language}.yaml")["styles"][style]
    order = sorted(adverbs, key=lambda adverb: rank(template, adverb))
    return tuple(template.replace("{s}", adverb) for adverb in order)


def _finish(template: str, slots: dict[str, str], language: str) -> str:
    text = template
    for slot, word in slots.items():
        text = text.replace(f"{{{slot}}}", word)
    text = text.strip()
    if not _stopped(template):
        return text
    if language in _CAPITALISED:
        text = text[0].upper() + text[1:]
    return text + _FULL_STOPS.get(language, ".")


@cache
def _stopped(template: str) -> bool:
    return rank(template, "stop") % _STOPPED_SHARE == 0
