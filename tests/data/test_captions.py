import pytest
import torch

from motion.data.captioning import LANGUAGES, Action, all_texts, label_actions, texts_of
from motion.data.captioning.english import gerund, sentence, third_person
from motion.data.captioning.phrases import OTHER_STYLED_LIMIT, PLAIN_LIMIT, STYLED_LIMIT
from motion.data.captioning.tables import read_table
from motion.data.captions import MAX_CAPTIONS, describe
from motion.data.mirroring import swap_left_right
from motion.errors import DataError
from motion.representation import Motion, rest_positions

CONTENTS = read_table("bandai.yaml")["contents"]
SIDE_WORDS = {
    "zh": "左右",
    "ja": "左右",
    "es": ("izquierd", "derech"),
    "fr": ("gauche", "droit"),
    "ar": ("يسار", "يمين", "يسرى", "يمنى"),
    "hi": ("बाएँ", "दाएँ", "बाईं", "दाईं", "बायाँ", "दायाँ"),
}


def still(num_frames: int) -> Motion:
    pose = torch.zeros(num_frames, 165)
    pose[:, 3 * 16 + 2], pose[:, 3 * 17 + 2] = -1.3, 1.3  # arms hang
    transl = torch.zeros(num_frames, 3)
    transl[:, 1] = -float(rest_positions()[10, 1]) + 0.02
    return Motion.from_full_pose(pose, transl, source="made")


def gliding(metres: float, seconds: float) -> Motion:
    motion = still(round(30 * seconds))
    motion.transl[:, 2] += torch.linspace(0, metres, motion.num_frames)
    return motion


def test_verbs_are_conjugated():
    assert [third_person(v) for v in ("walk", "dash", "hurry", "go", "sway")] == [
        "walks",
        "dashes",
        "hurries",
        "goes",
        "sways",
    ]
    assert [gerund(v) for v in ("wave", "run", "bow", "lie", "sit", "see")] == [
        "waving",
        "running",
        "bowing",
        "lying",
        "sitting",
        "seeing",
    ]
    phrase = "[raise] {poss} {side} hand and [lower] it"
    assert sentence(phrase, "she", "simple") == "she raises her {side} hand and lowers it"
    assert sentence(phrase, "they", "progressive").startswith("they are raising their")
    assert sentence(phrase, "", "imperative") == "raise your {side} hand and lower it"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_content_has_enough_wordings_in_every_language(language: str):
    least = 15 if language == "en" else 5
    for content, names in CONTENTS.items():
        phrases = read_table(f"actions_{language}.yaml")["actions"][names[0].split(":")[0]]
        assert len(set(phrases)) >= least, content


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_hold_the_same_actions_and_no_open_slot(language: str):
    table = read_table(f"actions_{language}.yaml")
    english = read_table("actions_en.yaml")
    assert set(table["actions"]) == set(english["actions"])
    assert set(table["styles"]) == set(english["styles"])
    # Every name and number, no style: styles only insert adverbs.
    for name in table["actions"]:
        for side in ("right", "none"):
            for text in texts_of(Action(name=name, side=side, number=3), language):
                assert not set(text) & set("{}[]~"), text
                assert "  " not in text
                assert text == text.strip()


@pytest.mark.parametrize("language", sorted(SIDE_WORDS))
def test_mirroring_changes_only_the_side(language: str):
    for name in ("wave", "raise_hand", "walk_turn", "walk_diagonal", "respond", "kick_side"):
        here = texts_of(Action(name=name, side="left"), language)
        there = texts_of(Action(name=name, side="left").mirrored(), language)
        assert len(here) == len(there) > 0
        for left, right in zip(here, there, strict=True):
            assert left != right
            assert any(word in left for word in SIDE_WORDS[language])


def test_english_mirroring_agrees_with_exchanging_the_words():
    for names in CONTENTS.values():
        action = Action.parse(names[0])
        if action.side == "left":
            for style in ("", "proud"):
                here = texts_of(action, "en", style)
                there = texts_of(action.mirrored(), "en", style)
                assert [swap_left_right(text) for text in here] == list(there)


def test_actions_of_all_label_tables_exist():
    known = set(read_table("actions_en.yaml")["actions"])
    named = [name for names in CONTENTS.values() for name in names]
    named += [name for names in read_table("cc0.yaml").values() for name in names]
    named += [name for row in read_table("cmu.yaml").values() for name in row["actions"]]
    assert {name.split(":")[0] for name in named} <= known
    styles = set(read_table("bandai.yaml")["styles"].values()) - {""}
    assert styles == set(read_table("actions_en.yaml")["styles"])


def test_describe_keeps_given_captions_first_and_mirrors_them():
    labels = {"content": "wave-left-hand", "style": "proud"}
    given = ["a person waves the left hand.", " "]
    found = describe("bandai", labels, still(60), given)
    assert found.captions[0].text == given[0]
    assert found.mirrored[0].text == "a person waves the right hand."
    assert len(found.captions) == len(found.mirrored) <= MAX_CAPTIONS
    assert len({caption.language for caption in found.captions}) >= 4
    for here, there in zip(found.captions, found.mirrored, strict=True):
        assert here.language == there.language
        assert here.text != there.text
    assert found == describe("bandai", labels, still(60), given)


def test_describe_measures_distance_and_stillness():
    texts = set()
    for seconds in (4.0, 4.1, 4.2, 4.3, 4.4, 4.5):
        labels = {"content": "walk", "style": "normal"}
        found = describe("bandai", labels, gliding(4.0, seconds), [])
        texts |= {caption.text.lower() for caption in found.captions}
    assert any("four met" in text for text in texts)
    assert not any(
        "backward" in text or "turn" in text.replace("without turn", "") for text in texts
    )
    nothing = describe("mine", {}, still(90), [])
    english = [caption.text for caption in nothing.captions if caption.language == "en"]
    assert english
    assert set(english) <= set(texts_of(Action(name="stand_still"), "en"))


def test_unknown_labels_mean_nothing_and_missing_ones_are_an_error():
    unknown = {"content": "juggle", "style": "smug"}
    assert label_actions("bandai", unknown).actions == ()
    with pytest.raises(DataError, match=r"needs the labels \['style'\]"):
        describe("bandai", {"content": "walk"}, still(30), [])


def test_pools_are_bounded():
    action = Action(name="walk")
    assert len(texts_of(action, "en", "sad")) == STYLED_LIMIT["en"]
    assert len(texts_of(action, "hi", "sad")) == OTHER_STYLED_LIMIT
    assert len(texts_of(action, "en")) == PLAIN_LIMIT["en"]
    everything = set(all_texts("zh"))
    assert set(texts_of(action, "zh")) < everything
    assert len(everything) < 3_000
