"""Reading cubes of any known survey, their masks, verdicts on them, and their spectra in the rest frame."""
