"""Writes a report as three files."""

from pathlib import Path

from motion.evaluate.report.markdown import markdown_of
from motion.evaluate.report.page import page_of
from motion.evaluate.report.record import (
    JSON_FILE,
    MARKDOWN_FILE,
    PAGE_FILE,
    EvaluationReport,
)
from motion.formats import atomic_path


def write_report(report: EvaluationReport, folder: Path) -> None:
    """Write JSON, markdown and page; all are made before any is written."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        MARKDOWN_FILE: markdown_of(report),
        PAGE_FILE: page_of(report),
        JSON_FILE: report.to_json(),
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as target:
            target.write_text(text, "utf-8")
