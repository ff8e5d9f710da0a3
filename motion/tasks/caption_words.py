"""Words of captions, as all measures of overlap count them."""

import re
import unicodedata

TOKENIZATION = (
    "NFKC, lower case, words of letters and digits with inner apostrophes, each Han, kana or Thai "
    "character by itself, punctuation dropped"
)
"""For the protocol's notes."""
_SINGLE = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
_WORD = rf"[^\W_{_SINGLE}]+"
_TOKEN = re.compile(rf"[{_SINGLE}]|{_WORD}(?:['\u2019]{_WORD})*")


def caption_tokens(text: str) -> list[str]:
    """Words of a caption; see ``TOKENIZATION``."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())
