"""Positions on the sky."""

import numpy as np
import pytest

from cubespace.sphere import separation, sexagesimal


def test_separation_across_the_meridian_and_near_the_pole():
    assert separation(359.9995, 0.0, 0.0005, 0.0) == pytest.approx(3.6, rel=1e-6)
    assert separation(10.0, 60.0, 10.0 + 1 / 3600, 60.0) == pytest.approx(0.5, rel=1e-5)
    assert separation(0.0, 90.0, 123.0, 90.0) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(separation(np.nan, 0.0, 1.0, 0.0))


@pytest.mark.parametrize(
    ("text", "hours", "degrees"),
    [("12:34:56.7", True, 188.73625), ("12 34 56.7", True, 188.73625), ("12h34m56.7s", True, 188.73625), ("-00:30:00", False, -0.5),
     ("+41 16 09", False, 41.269166667), ("\u221212:30", False, -12.5), ("10.684", True, None), ("NGC 1", True, None),
     ("12d30m00s", True, 12.5), ("150d30m00s", True, 150.5), ("23:59:60.0", True, 360.0), ("-89:59:60", False, -90.0), ("24:00:00", True, None),
     ("25:00:00", True, None), ("360d00m00s", True, None), ("00 60 00", True, None), ("00 75 00", True, None), ("01:12:99", True, None),
     ("90:00:01", False, None), ("-91 00 00", False, None), ("05h30m00s", False, None), ("05:61:00", False, None)],
)  # fmt: skip
def test_sexagesimal(text, hours, degrees):
    found = sexagesimal(text, hours)
    assert found is None if degrees is None else found == pytest.approx(degrees, abs=1e-8)
