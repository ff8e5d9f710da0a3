"""The part table covers every joint once and its slices tile the features."""

from motion.representation import JOINT_NAMES, PARTS


def test_every_joint_but_root_and_eyes_belongs_to_one_part():
    named = [joint for part in PARTS.values() for joint in part.joints]
    assert len(named) == len(set(named))
    missing = set(JOINT_NAMES) - set(named)
    assert missing == {"pelvis", "left_eye_smplhf", "right_eye_smplhf"}


def test_slices_tile_the_feature_vector():
    for part in PARTS.values():
        places = [i for place in part.slices.values() for i in range(place.start, place.stop)]
        assert places == list(range(part.feature_dim))
    assert PARTS["lower"].feature_dim == 62
    assert PARTS["upper"].feature_dim == 13 * 6
