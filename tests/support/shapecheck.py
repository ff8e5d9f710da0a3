"""The checker behind every shape annotation while tests run: beartype, told two things.

``Self`` passes, because beartype refuses it on methods that are decorated one by one, which is how
jaxtyping's import hook works (see its error for PEP 673). An ``int`` passes for a ``float``, as
mypy has it.
"""

from typing import Any, Self

from beartype import BeartypeConf, FrozenDict, beartype

check = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({Self: Any}), is_pep484_tower=True))
