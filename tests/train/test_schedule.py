import pytest
import torch
from torch import nn

from motion.errors import ConfigError
from motion.train.schedule import OptimizerConfig, build_optimizer


def test_rate_rises_linearly_and_falls_as_a_cosine():
    config = OptimizerConfig(warmup_steps=10, total_steps=110, final_share=0.1)
    shares = [config.share(step) for step in range(200)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[9] == pytest.approx(1.0)
    assert max(shares) == pytest.approx(1.0)
    assert shares[60] == pytest.approx(0.55)  # half way down
    assert shares[110:] == pytest.approx([0.1] * 90)
    rising, falling = shares[:10], shares[10:111]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_no_warm_up_is_allowed():
    assert OptimizerConfig(warmup_steps=0, total_steps=5).share(0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "wrong",
    [{"learning_rate": 0.0}, {"learning_rate": -1.0}, {"warmup_steps": 10, "total_steps": 10}],
)
def test_ranges_are_checked(wrong: dict[str, float]):
    with pytest.raises(ConfigError, match=r"learning_rate must be positive and total_steps"):
        OptimizerConfig(**wrong)


def test_only_trainable_matrices_decay():
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    module[2].requires_grad_(requires_grad=False)
    config = OptimizerConfig(
        learning_rate=0.5, weight_decay=0.1, warmup_steps=4, total_steps=9, betas=(0.8, 0.9)
    )
    made = build_optimizer(module, config)
    decayed, plain = made["optimizer"].param_groups
    assert [p.shape for p in decayed["params"]] == [(4, 3)]
    assert [p.shape for p in plain["params"]] == [(4,), (4,), (4,)]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert decayed["betas"] == (0.8, 0.9)
    rates = []
    for _ in range(9):
        rates.append(decayed["lr"])
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
    assert rates == pytest.approx([0.5 * config.share(step) for step in range(9)])
    assert made["lr_scheduler"]["interval"] == "step"
    assert not any(torch.isnan(p).any() for p in module.parameters())
