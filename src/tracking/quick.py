"""Asks MLflow's database without importing MLflow, which takes seconds."""

import sqlite3
from contextlib import closing
from pathlib import Path

from src.tracking.records import Record

RUNS = """
    SELECT run.run_uuid FROM runs run
    JOIN experiments experiment ON experiment.experiment_id = run.experiment_id
    JOIN tags trace ON trace.run_uuid = run.run_uuid AND trace.key = 'trace' AND trace.value = ?
    JOIN tags train ON train.run_uuid = run.run_uuid AND train.key = 'train' AND train.value = 'complete'
    JOIN tags evaluate ON evaluate.run_uuid = run.run_uuid AND evaluate.key = 'evaluate' AND evaluate.value = 'complete'
    WHERE experiment.name = ? AND experiment.lifecycle_stage = 'active' AND run.lifecycle_stage = 'active'
"""
PARAMS = "SELECT key, value FROM params WHERE run_uuid = ?"


def holds(database: Path | None, record: Record) -> bool:
    """Tell whether a database certainly holds a whole run with a record's trace and parameters."""
    if database is None or not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(database)) as connection:
            found = connection.execute(RUNS, (record.trace, record.experiment)).fetchall()
            known = [dict(connection.execute(PARAMS, run).fetchall()) for run in found]
    except sqlite3.Error:  # another layout of the tables, or broken: MLflow itself is asked then
        return False
    return any(record.params.items() == params.items() for params in known)
