"""Kinds of batches, mixed: the schedule, batches of words and of gaps, what is learned."""

from pathlib import Path

import pytest
import torch
from made_checkpoints import write_encoder
from made_models import make_language_model
from made_steps import batches_of
from made_weights import WIDTH

from motion.conditioners import TextEncoder, TextFeatureTable, cache_text_features
from motion.data import PreparedCorpus
from motion.errors import ConfigError
from motion.tasks.examples import TaskExample, write_examples
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore
from motion.train.language_stage import LanguageModule, LanguageTrainingConfig
from motion.train.schedule import OptimizerConfig
from motion.train.step_data import balanced_weights
from motion.train.task_data import (
    FeatureRows,
    FixedBatches,
    JointBatches,
    SplitTasks,
    TasksConfig,
    TaskStage,
    TextPieces,
    read_tasks,
    task_batches,
)
from motion.train.text_batches import TextBatch
from motion.train.text_pieces import train_text_pieces

EXAMPLES = [
    TaskExample(
        task="decompose_task",
        fields={"scene": f"a room with {n} chairs", "task": "sit down"},
        answer=f"1. walk to chair {n}. 2. sit down.",
        thought=f"I stand far from chair {n}" if n % 2 else None,
        group=f"room{n}",
    )
    for n in range(12)
]
ALL = {"motions": 1.0, "gaps": 1.0, "captions": 1.0, "plans": 1.0, "sentences": 1.0}
CONFIG = TasksConfig(
    examples=["plans"],
    schedule=[TaskStage(weights={"motions": 1.0}), TaskStage(from_batch=5, weights=ALL)],
    pieces_per_batch=400,
    states_share=0.25,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tasks")
    for split in ("train", "val"):
        write_examples(EXAMPLES, root / "plans" / f"{split}.jsonl")
        (root / "plans" / f"{split}_captions.txt").write_text("a man walks\na man sits\n", "utf-8")
    return root


@pytest.fixture(scope="module")
def tasks(root: Path, made: PreparedCorpus, tokenizer: MotionTokenizer) -> dict[str, SplitTasks]:
    return read_tasks(CONFIG, root, [made], tokenizer, root / "cache")


@pytest.fixture(scope="module")
def table(tasks: dict[str, SplitTasks], store: CodeStore, root: Path) -> FeatureRows:
    said = dict.fromkeys(c.text for s in store.sequences for c in s.captions)
    said.update(dict.fromkeys(tasks["train"].read_by_encoder(CONFIG)))
    rows = {text: index for index, text in enumerate(said)}
    encoder = TextEncoder.load(write_encoder(root / "encoder"))
    features = cache_text_features(list(rows), encoder, root / "features", progress=False)
    return FeatureRows(rows, features)


@pytest.fixture(scope="module")
def pieces(tasks: dict[str, SplitTasks], tokenizer: MotionTokenizer) -> TextPieces:
    model = make_language_model(tokenizer, condition_dim=WIDTH)
    return TextPieces(train_text_pieces(tasks["train"].texts.written(), 300), model.vocabulary)


@pytest.fixture(scope="module")
def others(tasks, store: CodeStore, table: FeatureRows, pieces: TextPieces):
    weights = balanced_weights(store)
    return task_batches(tasks["train"], store, weights, table, pieces, CONFIG, 40)


def test_the_schedule_decides_which_kinds_come(
    store: CodeStore, texts: dict[str, int], features: TextFeatureTable, others
):
    motions = batches_of(store, texts, features)
    joint = JointBatches(motions, others, CONFIG, seed=0)
    assert len(joint) == len(motions)
    kinds = [_kind(joint[index]) for index in range(len(joint))]
    assert kinds[:5] == ["motions"] * 5
    assert len(set(kinds)) >= 4
    again = JointBatches(motions, others, CONFIG, seed=0)
    assert kinds == [_kind(again[index]) for index in range(len(again))]
    fixed = FixedBatches(motions, others, 2)
    assert len(fixed) == len(motions) + 8
    tail = [_kind(fixed[index]) for index in range(len(motions), len(fixed))]
    assert {kind: tail.count(kind) for kind in set(tail)} == dict.fromkeys(others, 2)


def _kind(batch) -> str:
    if isinstance(batch, TextBatch):
        return batch.kind
    return "motions" if batch.learned is None else "gaps"


def test_answers_hold_thoughts_and_say_what_is_given(others, pieces: TextPieces):
    ids = pieces.vocabulary.special_ids
    seen = set()
    for seed in range(6):
        batch = others["plans"].draw(torch.Generator().manual_seed(seed))
        for answer, mask, given in zip(
            batch.answer, batch.answer_mask, batch.given.tolist(), strict=True
        ):
            row = answer[mask].tolist()
            assert row[0] == ids["<think>"]
            assert row[-1] == ids["<end>"]
            empty = row[1] == ids["</think>"]
            assert given == (2 if empty else 1)
            text = pieces.tokenizer.decode(
                [i for i in row if i < pieces.vocabulary.num_text_pieces]
            )
            assert "1. walk to chair" in text
            assert ("I stand far" in text) == (not empty)
            seen.add(empty)
    assert seen == {True, False}


def test_some_examples_are_read_by_the_text_encoder_alone(others):
    payloads = [item.payload for item in others["plans"].items]
    assert sum(not payload for payload in payloads) == 3
    assert all("[Scene]" in payload for payload in payloads if payload)


def test_captions_come_with_their_motion(others, store: CodeStore):
    batch = others["captions"].draw(torch.Generator().manual_seed(0))
    assert batch.motion_mask.any(1).all()
    for item in others["captions"].items:
        record = next(s for s in store.sequences if s.start == item.motion[0])
        assert set(item.answers) == {c.text for c in record.captions if c.language == "en"}


def test_gaps_are_learned_and_their_starts_are_not(others):
    batch = others["gaps"].draw(torch.Generator().manual_seed(0))
    assert batch.gap is not None
    assert not batch.learned[:, 0].any()
    assert (batch.learned & batch.mask).any(1).all()
    without = ~batch.gap.mask.any(1)
    assert (batch.goal[without] == 0).all()


def test_training_on_every_kind_learns(
    store: CodeStore, texts: dict[str, int], tokenizer: MotionTokenizer, table, others
):
    torch.manual_seed(0)
    model = make_language_model(tokenizer, condition_dim=WIDTH)
    module = LanguageModule(model.config, LanguageTrainingConfig(corrupt=0.0), OptimizerConfig())
    module.model = model
    module.log = lambda *args, **kwargs: None
    batches = {k: v.draw(torch.Generator().manual_seed(1)) for k, v in others.items()}
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2)
    module.train()
    losses: dict[str, list[float]] = {kind: [] for kind in batches}
    for _ in range(12):
        for kind, batch in batches.items():
            optimizer.zero_grad()
            loss = module.training_step(batch, 0)
            loss.backward()
            optimizer.step()
            losses[kind].append(loss.item())
    for kind, found in losses.items():
        assert found[-1] < 0.85 * found[0], kind
    assert model.goal.weight.abs().max() > 0


def test_wrong_schedules_are_refused(
    store: CodeStore, texts: dict[str, int], features: TextFeatureTable, others
):
    with pytest.raises(ConfigError, match="weights name kinds of motions"):
        TaskStage(weights={"motion": 1.0})
    for starts in ([], [1], [0, 0]):
        with pytest.raises(ConfigError, match="stages from batch 0 on"):
            TasksConfig(schedule=[TaskStage(from_batch=start) for start in starts])
    some = {"gaps": others["gaps"]}
    with pytest.raises(ConfigError, match="no data for captions, plans, sentences"):
        JointBatches(batches_of(store, texts, features), some, CONFIG, seed=0)
