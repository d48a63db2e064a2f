"""A sample of the damaged files of `benchmarks/fuzz_cubes.py`, and that its judge knows a wrong cube from a right one."""

import numpy as np
import pytest

import fuzzing


def test_damaged_files_are_read_right_or_refused(tmp_path):
    count = fuzzing.run(528, 3, tmp_path)
    assert count.faults == []
    assert sum(count.outcomes.values()) == 528
    refused = sum(number for outcome, number in count.outcomes.items() if outcome.startswith("refused"))
    assert refused > 150 and count.outcomes["read: as undamaged"] > 80 and count.outcomes["read: as the file now says"] > 20


def test_damage_is_the_same_each_time_and_of_all_kinds():
    content = bytes(range(256)) * 100
    for kind in fuzzing.KINDS[:3]:
        first, again = (fuzzing.damage(content, kind, np.random.default_rng(1)) for _ in range(2))
        assert first == again != content


@pytest.mark.parametrize("fault", ["flux", "sigma", "bad", "star", "field", "wavelength"])
def test_the_judge_finds_a_wrong_cube(tmp_path, monkeypatch, fault):
    base = fuzzing.bases(tmp_path)[0]
    real = fuzzing.read_cube

    def wrong(path):
        cube = real(path)
        if fault == "wavelength":
            cube.wavelength = cube.wavelength + 0.1
        elif fault in ("flux", "sigma"):
            getattr(cube, fault)[5, 2, 2] *= 1.01
        else:
            getattr(cube, fault)[:] = fault == "field"
        return cube

    monkeypatch.setattr(fuzzing, "read_cube", wrong)
    outcome, why = fuzzing.judge(base, base.content, tmp_path / "x.fits")
    assert outcome == "FAULT: wrong" and fault.removesuffix("length") in why


def test_the_judge_finds_a_hang_and_an_exception(tmp_path, monkeypatch):
    import time

    base = fuzzing.bases(tmp_path)[0]
    monkeypatch.setattr(fuzzing, "SECONDS", 0.2)
    monkeypatch.setattr(fuzzing, "read_cube", lambda path: time.sleep(5))
    assert fuzzing.judge(base, base.content, tmp_path / "x.fits")[0] == "FAULT: hang"
    monkeypatch.setattr(fuzzing, "read_cube", lambda path: {}["x"])
    assert fuzzing.judge(base, base.content, tmp_path / "x.fits")[0] == "FAULT: exception"
