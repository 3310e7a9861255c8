"""A study is kept for one driver at a time and one question, in a file that is never left half written."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.core import paths
from src.core.errors import AssayError
from src.tune import study, trials_view
from src.tune.storage import Journal, mend
from src.tune.trials_view import view
from tests.tune.helpers_search import ABOUT, opened, search, trials
from tests.tune.helpers_studies import study as invented


def test_a_study_is_open_in_one_process_only(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(AssayError, match="study s: another process works on it"), opened(tmp_path):
        pass
    with opened(tmp_path):
        pass


def test_a_study_can_be_had_as_it_was_with_fewer_trials(tmp_path: Path) -> None:
    made = invented(20)
    assert study.first(made, 99) is made
    before = study.first(made, 7)
    finished = [trial.state in study.FINISHED for trial in before.trials]
    assert (sum(finished), finished[-1]) == (7, True)
    assert before.directions == made.directions
    for name, found in (("few", before), ("cut", study.first(invented(12), 7))):
        trials_view.write_trials(view(found), paths.StudyFiles(tmp_path / name))
        trials_view.write_candidates(view(found), paths.StudyFiles(tmp_path / name))
    for name in ("trials.csv", "candidates.json"):
        assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()


def test_a_study_about_something_else_is_refused_and_what_differs_is_said(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    other = ABOUT | {"seed": 2, "train.epochs": 3}
    with pytest.raises(AssayError) as refused, opened(tmp_path, about=other):
        pass
    assert str(refused.value) == (
        "study s: its trials had other inputs: seed was 1, is 2; train.epochs was nothing, is 3; choose another --study"
    )


def test_what_the_study_began_with_is_kept(tmp_path: Path) -> None:
    for now in (0.3, 0.7):
        with opened(tmp_path) as search:
            assert search.baseline({"model.dropout": now}) == {"model.dropout": 0.3}


def test_other_images_and_many_differences_are_said_in_a_line() -> None:
    there = {"images": "a", "split": "b", **{f"train.{n}": n for n in range(4)}}
    here = {"images": "c", "split": "d", **{f"train.{n}": n + 1 for n in range(4)}}
    assert study.difference(there, here) == "other images; another split; train.0 was 0, is 1; and 3 more"
    assert study.difference(there, json.loads(json.dumps(there))) == ""


@pytest.mark.parametrize("torn", [b'{"op_code": 4', b"\x00\x00\x00", b'{"op_code": 4}'])
def test_a_last_line_that_was_not_written_to_its_end_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(b'{"a":1}\n' + torn)
    mend(path)
    assert path.read_bytes() == b'{"a":1}\n'


def test_damage_inside_a_journal_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(b'{"a":1}\n{"b"\n{"c":1}\n')
    with pytest.raises(AssayError, match=r"journal.log: line 2: expected a record"):
        mend(path)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_record_that_does_not_fit_on_the_disk_is_taken_back(tiny_disk: Path) -> None:
    journal = Journal(tiny_disk / "journal.log")
    journal.append_logs([{"a": 1}])
    with pytest.raises(AssayError, match=r"cannot be written .No space left on device"):
        journal.append_logs([{"long": "x" * 100_000}])
    journal.append_logs([{"b": 2}])
    assert list(journal.read_logs(0)) == [{"a": 1}, {"b": 2}]


def test_a_search_whose_disk_is_full_ends_with_a_line_and_goes_on_when_there_is_room(tiny_disk: Path) -> None:
    filler = tiny_disk / "filler"
    search(tiny_disk, 2)
    filler.write_bytes(b"x" * 40_000)
    with pytest.raises(AssayError, match="No space left on device"):
        search(tiny_disk, 100)
    before = [trial.number for trial in trials(tiny_disk) if trial.state.is_finished()]
    assert len(before) >= 2
    filler.unlink()
    total = len(before) + 2
    search(tiny_disk, total)
    assert [trial.state.is_finished() for trial in trials(tiny_disk)] == [True] * total
