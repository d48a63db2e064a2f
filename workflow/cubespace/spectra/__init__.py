"""From rest-frame spectra to a common basis, and from cubes to maps of coefficients."""
