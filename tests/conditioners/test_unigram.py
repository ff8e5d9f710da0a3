"""The compiled character map against the plain one."""

from made_weights import CHARACTER_MAP
from tokenizers import normalizers

from motion.conditioners.unigram import compile_character_map


def test_compiled_map_replaces_exactly_its_characters() -> None:
    compiled = normalizers.Precompiled(compile_character_map(CHARACTER_MAP))
    for code_point in (*range(1, 0x3100), *range(0xF900, 0x10000), *range(0x1F5F0, 0x1F610)):
        character = chr(code_point)
        expected = f"x{CHARACTER_MAP.get(character, character)}y"
        assert compiled.normalize_str(f"x{character}y") == expected, hex(code_point)


def test_many_neighbours_and_shared_prefixes() -> None:
    shifted = {chr(c): chr(c + 1) * (c % 3) for c in range(0x400, 0x900)}
    compiled = normalizers.Precompiled(compile_character_map(shifted))
    for character, replacement in shifted.items():
        assert compiled.normalize_str(character) == replacement


def test_a_nul_key_is_left_out() -> None:
    assert compile_character_map({"\0": " ", "a": "b"}) == compile_character_map({"a": "b"})
