"""The only place that asks for packages which a plain install may lack or which load slowly."""

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType

from motion.errors import MissingDependencyError


def require(name: str, *, extra: str | None = None) -> ModuleType:
    """Import a heavy or optional package, or say how to get it.

    Args:
        name: Import name, dots allowed.
        extra: Extra of this distribution that installs it; None when a plain install has it.

    Raises:
        MissingDependencyError: The package is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        target = f"motionlm[{extra}]" if extra else "motionlm"
        raise MissingDependencyError(
            f"the package '{name}' cannot be imported ({error}); "
            f"install it with: pip install '{target}'"
        ) from error


def cache_name(forward: Callable[..., object]) -> str:
    """Name by which a model of ``transformers`` takes and gives its keys and values.

    Its releases renamed it: ``past_key_values`` until 5.23, ``cache`` from 5.24 on, where the old
    name still works for a while but warns.
    """
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"
