"""The checker behind every shape annotation while tests run: beartype, letting ``Self`` pass.

beartype refuses ``Self`` on methods that are decorated one by one, which is how jaxtyping's import
hook works; see its error for PEP 673.
"""

from typing import Any, Self

from beartype import BeartypeConf, FrozenDict, beartype

check = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({Self: Any})))
