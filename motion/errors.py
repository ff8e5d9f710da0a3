"""Errors a user can do something about.

    MotionError
    ├── RequestError            what was asked for is not possible (seconds, text, suffix)
    ├── FormatError             a motion file is broken or of another kind
    ├── DataError               a corpus or a clip cannot be used
    ├── PlanError               a text is no plan: numbered steps, each short
    ├── ConfigError             a configuration does not fit
    ├── WeightsError            weights are missing, damaged or do not fit
    ├── OutputError             a result cannot be written
    ├── RenderError             pictures cannot be made here
    └── MissingDependencyError  an optional package is not installed

The command line prints the message of any of these as one sentence and exits with code 2.
"""


class MotionError(Exception):
    """Base of every deliberate error of this package."""


class RequestError(MotionError, ValueError):
    """The request itself is not possible."""


class FormatError(MotionError, ValueError):
    """A motion file is truncated, broken or of another kind."""


class DataError(MotionError, ValueError):
    """A corpus or one of its clips cannot be used."""


class PlanError(MotionError, ValueError):
    """A text is no plan of numbered steps."""


class ConfigError(MotionError, ValueError):
    """A configuration value is wrong or does not fit another one."""


class WeightsError(MotionError):
    """Weights are missing, damaged or do not fit the model."""


class OutputError(MotionError):
    """A result cannot be written where it was asked for."""


class RenderError(MotionError):
    """Pictures cannot be made on this machine as it is."""


class MissingDependencyError(MotionError, ImportError):
    """An optional package is not installed."""


LONGEST_REASON = 300
"""Characters of a library's message that are passed on: some list every key of a file."""


def reason_of(error: Exception) -> str:
    """What another library says is wrong, on one line, for use inside a sentence."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."
