# SPDX-License-Identifier: GPL-2.0
"""That no recording of tests/recordings is lost unnoticed, and none by `make scenarios`."""
import filecmp
import os
import shutil
import subprocess
import sys

import pytest

from lab import HALFOPEN, ROOT

NAMES = ("a_byte_for_a_byte", "format2")


@pytest.fixture
def kept(tmp_path):
    """A directory like tests/recordings, with two of them: a scenario and one that is kept."""
    directory, ours = tmp_path / "recordings", os.path.join(ROOT, "tests", "recordings")
    directory.mkdir()
    for name in ("index.py", "replay.py", *(f for f in os.listdir(ours) if f.split(".")[0] in NAMES)):
        shutil.copy(os.path.join(ours, name), directory)
    (directory / "index").write_text(f"scenario {NAMES[0]}\nkept {NAMES[1]}\n")
    return directory


def python(*arguments):
    return subprocess.run([sys.executable, "-B", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "tests")})


def replay(kept, tmp_path):
    return python(kept / "replay.py", HALFOPEN, tmp_path)


def test_all_that_is_named_is_replayed(kept, tmp_path):
    r = replay(kept, tmp_path)
    assert r.returncode == 0 and "recordings: 2 replayed, 0 differ" in r.stdout, r.stdout + r.stderr


@pytest.mark.parametrize("end", [".json", ".ho.zst"])
def test_one_that_is_missing_fails(end, kept, tmp_path):
    (kept / (NAMES[0] + end)).unlink()
    r = replay(kept, tmp_path)
    assert r.returncode == 1 and f"recording {NAMES[0]}: is in the index, and" in r.stdout, r.stdout
    assert f'name="{NAMES[0]}"><failure' in (tmp_path / "recordings.xml").read_text()


def test_one_without_a_line_fails(kept, tmp_path):
    (kept / "index").write_text(f"kept {NAMES[1]}\n")
    r = replay(kept, tmp_path)
    assert r.returncode == 1 and f"recording {NAMES[0]}: is not in the index" in r.stdout, r.stdout
    assert python(kept / "index.py", "--add", "scenario", NAMES[0]).returncode == 0
    assert replay(kept, tmp_path).returncode == 0


def test_nothing_is_replaced_by_less(kept, tmp_path):
    """As on a host where the lab's tests cannot run, or skip."""
    before, made = tmp_path / "before", tmp_path / "made"
    shutil.copytree(kept, before)
    made.mkdir()
    r = python(kept / "index.py", "--adopt", made)
    assert r.returncode == 1 and f"recording {NAMES[0]}: was not made" in r.stderr, r.stderr
    shutil.copy(kept / (NAMES[0] + ".json"), made)
    assert python(kept / "index.py", "--adopt", made).returncode == 1
    same = filecmp.dircmp(before, kept, ignore=["__pycache__"])
    assert not same.diff_files and not same.left_only and not same.right_only
    assert sorted(os.listdir(tmp_path)) == ["before", "made", "recordings"]


def test_what_was_made_anew_takes_the_place(kept, tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    for end in (".json", ".ho.zst"):
        shutil.copy(kept / (NAMES[0] + end), made)
        shutil.copy(kept / (NAMES[0] + end), made / ("a_new_one" + end))
    (made / (NAMES[0] + ".json")).write_text("{}\n")
    r = python(kept / "index.py", "--adopt", made)
    assert r.returncode == 0 and "2 scenarios made anew, 1 of them new; 1 kept" in r.stdout, r.stderr
    assert (kept / (NAMES[0] + ".json")).read_text() == "{}\n"
    assert (kept / "format2.ho").exists() and (kept / "a_new_one.ho.zst").exists()
    assert python(kept / "index.py").returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["made", "recordings"]
