"""Cuts are told from movement, noise and fading light."""

import torch

from motion.generate.curation.shots import ShotCuts, histogram


def scene(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.randint(0, 256, (6, 8, 3), generator=generator, dtype=torch.uint8)
    return small.repeat_interleave(20, 0).repeat_interleave(20, 1)  # 120 x 160


def cuts(pictures: list[torch.Tensor]) -> list[int]:
    shots = ShotCuts()
    return [index for index, picture in enumerate(pictures) if shots.is_cut(picture)]


def with_person(picture: torch.Tensor, left: int) -> torch.Tensor:
    out = picture.clone()
    out[30:110, left : left + 30] = torch.tensor([40, 60, 120], dtype=torch.uint8)
    return out


def test_a_cut_is_found_where_it_is() -> None:
    pictures = [scene(1)] * 10 + [scene(2)] * 5 + [scene(3)] * 7
    assert cuts(pictures) == [10, 15]


def test_somebody_who_runs_through_is_no_cut() -> None:
    assert cuts([with_person(scene(1), 6 * k) for k in range(20)]) == []


def test_noise_and_fading_light_are_no_cuts() -> None:
    torch.manual_seed(0)
    noisy = [
        (scene(1).float() + torch.randn(120, 160, 3) * 8).clamp(0, 255).byte() for _ in range(10)
    ]
    faded = [(scene(1).float() * (1 - k / 30)).byte() for k in range(25)]
    assert cuts(noisy) == []
    assert cuts(faded) == []


def test_a_fast_pan_is_no_cut_but_a_cut_after_it_is() -> None:
    wide = torch.cat([scene(k) for k in (4, 5, 6, 7)], dim=1)
    pan = [wide[:, 12 * k : 12 * k + 160] for k in range(30)]
    assert cuts(pan) == []
    assert cuts([*pan, *[scene(8)] * 3]) in ([], [30])  # a pan hides the cut at worst
    assert cuts([*pan, *[pan[-1]] * 16, *[scene(8)] * 3]) == [46]


def test_shares_of_colours_sum_to_one_whatever_the_size() -> None:
    for shape in ((120, 160), (7, 5), (720, 1280)):
        found = histogram(torch.randint(0, 256, (*shape, 3), dtype=torch.uint8))
        assert found.shape == (9, 3, 8)
        torch.testing.assert_close(found.sum(-1), torch.ones(9, 3))
