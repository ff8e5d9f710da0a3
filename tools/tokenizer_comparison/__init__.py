"""What ``tools/compare_tokenizers.py`` is made of."""
