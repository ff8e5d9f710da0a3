"""Parts of ``tools/build_body.py``, which makes the packaged bodies."""
