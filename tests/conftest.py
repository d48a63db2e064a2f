"""Shared fixtures."""

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

settings.register_profile("fixed", derandomize=True, deadline=None)  # the same draws in every run, on machines of any speed
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real tables and spectra beside the project; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"REAL DATA ABSENT: {folder} does not exist; this test checks real survey files")
    return folder
