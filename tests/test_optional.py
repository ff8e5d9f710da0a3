"""Packages that may be missing, and what their releases renamed."""

import pytest

from motion.errors import MissingDependencyError
from motion.optional import cache_name, require


def test_a_missing_package_names_the_extra_that_has_it():
    with pytest.raises(MissingDependencyError, match=r"pip install 'motionlm\[llm\]'"):
        require("no_such_package_anywhere", extra="llm")
    assert require("json").dumps([1]) == "[1]"


def test_keys_and_values_have_the_name_of_the_release():
    def before(input_ids: object, past_key_values: object = None) -> None: ...
    def since(input_ids: object, cache: object = None) -> None: ...

    assert cache_name(before) == "past_key_values"
    assert cache_name(since) == "cache"
