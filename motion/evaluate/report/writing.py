"""Writes a report as three files."""

from pathlib import Path

from motion.evaluate.report.markdown import markdown_of
from motion.evaluate.report.page import page_of
from motion.evaluate.report.record import (
    JSON_FILE,
    MARKDOWN_FILE,
    PAGE_FILE,
    EvaluationReport,
    read_report,
)
from motion.formats import atomic_path


def publish(report: EvaluationReport, file: Path) -> None:
    """Write the figures alone; suites of the same weights that are in the file already stay.

    Raises:
        DataError: The file is there and cannot be read.
    """
    if file.is_file():
        report = report.merged_into(read_report(file))
    with atomic_path(file) as target:
        target.write_text(report.published(), "utf-8")


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
