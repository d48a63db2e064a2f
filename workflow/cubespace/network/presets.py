"""What views, the encoder and its training can be told: every setting, its default, and the presets.

`paper` follows A&A 688, A160; `authors-code` follows the code published with it where that departs. Nothing here needs torch:
the configuration is held against it before any job.
"""

import copy
from dataclasses import dataclass, fields

from cubespace.errors import CubespaceError

# Foreground stars of eCALIFA (statistics published with the paper's code): probability of 0, 1, 2, ... stars
# in a galaxy, and deciles of their distance from the centre and of the radius of their mask, the latter up to
# 8 arcsec.
STAR_COUNTS = (
    0.323,
    0.275,
    0.155,
    0.088,
    0.062,
    0.032,
    0.009,
    0.022,
    0.012,
    0.006,
    0.008,
    0.001,
    0.003,
    0.0,
    0.002,
)
STAR_DISTANCES = (0.7, 13.4, 18.9, 22.2, 24.8, 27.6, 30.1, 32.9, 35.2, 38.7, 52.4)
STAR_RADII = (0.62, 1.62, 1.62, 2.12, 2.5, 2.5, 2.5, 2.62, 3.12, 4.12, 8.0)


@dataclass(frozen=True)
class View:
    """Settings of one view; the defaults switch everything off (the original galaxy, filled with sky)."""

    noise: tuple = None  # range of S/N, uniform; None = no noise is added
    noise_integer: bool = False  # whole numbers of that range only
    rotate: bool = False  # by a uniform angle
    flip: str = "none"  # none; one = always in x or in y; random = each axis with probability 1/2
    blur: float = 0.0  # sigma of the Gaussian [px]
    stars: bool = False
    stars_everywhere: bool = True  # False: only on galaxies that have no masked star of their own
    star_counts: tuple = STAR_COUNTS  # probability of 0, 1, 2, ... stars
    star_distances: tuple = STAR_DISTANCES  # quantiles [arcsec], evenly spaced in probability
    star_radii: tuple = STAR_RADII  # quantiles [arcsec]
    resize: tuple = (1, 1)  # range of the whole factor, uniform
    resize_keep: int = (
        0  # only factors that leave more valid spaxels than this (the smallest one if none does)
    )
    shift: int = 0  # largest shift [px]
    shift_shape: str = "disc"  # disc; square = each axis by itself
    sky_snr: tuple = (1.0, 2.0)  # S/N of the sky model, uniform

    @property
    def moves(self):
        """Whether spaxels are mixed, moved or covered."""
        return bool(
            self.rotate or self.flip != "none" or self.blur or self.stars or self.shift or self.resize[1] > 1
        )


@dataclass(frozen=True)
class Pair:
    """Settings of a positive pair."""

    first: View
    second: View
    original_every: int = (
        0  # every how many realisations the first view is the original galaxy; 0 = as `first` says
    )
    blur_one: bool = False  # blur one of the two views, at random
    share_stars: bool = False  # the same simulated stars on both views


_OFF = {
    "noise": None,
    "rotate": False,
    "flip": "none",
    "blur": 0.0,
    "stars": False,
    "resize": [1, 1],
    "shift": 0,
}
_ALL = {
    "noise": [1, 10],
    "rotate": True,
    "flip": "one",
    "blur": 1.0,
    "stars": True,
    "resize": [2, 5],
    "shift": 16,
}
_CODE = {**_ALL, "resize": [1, 5], "resize_keep": 743, "shift_shape": "square", "stars_everywhere": False}
PRESETS = {
    "paper": {"first": _OFF, "second": _ALL},
    "authors-code": {
        "first": {**_CODE, "noise": None},
        "second": {**_CODE, "noise_integer": True},
        "original_every": 50,
        "blur_one": True,
        "share_stars": True,
    },
}

ENCODER_PRESETS = {
    "paper": {"pooling": ("max",), "mask": False, "heads": 8, "light": (0.0, 2.0), "bias": 0.0},
    "best": {"pooling": ("attention",), "mask": True, "heads": 8, "light": (0.0, 2.0), "bias": 1.0},
}
POOLINGS = ("max", "mean", "attention")
TRAINING = {  # the paper's, sec. 3.3; where it is silent, the authors' code
    "epochs": 50,
    "steps_per_epoch": 50,  # optimiser steps; each sees fresh views
    "batch": None,  # galaxies in a step; null = all training galaxies
    "learning_rate": 8e-4,
    "decay": 0.75,  # of the learning rate,
    "decay_every": 2,  # every so many epochs
    "patience": 5,  # epochs without a better validation loss
    "temperature": 0.5,
    "decoupled": False,
    "same_view": True,
    "validation_realisations": 4,  # fixed pairs of each validation galaxy, averaged
    "precision": "auto",
    "recompute": False,  # activations in the backward pass: less memory, the same numbers
    "compile": False,  # the network by torch.compile
    "require_learning": True,  # stop with an error if the loss stays at its chance level
}
TRAINING_PRESETS = {"paper": {}, "authors-code": {"patience": 3, "decoupled": True, "same_view": False}}


def expand(settings, presets, known, where):
    """Settings from a dict of them: those of its ``preset`` (default paper), with its other keys over them; a new dict.

    presets : dict of name -> dict; known : names of all settings; where : the section, for messages

    Raises
    ------
    CubespaceError
        The preset or a key is unknown.
    """
    given = copy.deepcopy(dict(settings or {}))
    preset = given.pop("preset", "paper")
    if preset not in presets:
        raise CubespaceError(f"{where}: preset must be one of {', '.join(presets)}, found {preset!r}")
    refuse_unknown(given, known, where)
    return {**copy.deepcopy(presets[preset]), **given}


def refuse_unknown(given, known, where):
    """CubespaceError if a key of `given` is not `known`."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise CubespaceError(f"{where}: unknown setting(s) {', '.join(unknown)}; allowed: {', '.join(sorted(known))}")


def pair_from_settings(settings, stars=None):
    """Settings of a pair from a dict: ``preset`` (paper, authors-code), then any key of `Pair` and `View` over it.

    For example ``{"preset": "paper", "second": {"blur": 0.0, "shift": 4}}``. ``stars`` says whose stars are simulated:
    those of eCALIFA (published) or the survey's own (survey), which are then to be given: `stars`, a dict of star_counts,
    star_distances and star_radii, ahead of which a view's own go.

    Raises
    ------
    CubespaceError
        A key is unknown or a value is out of its range.
    """
    settings = dict(settings or {})
    source = settings.pop("stars", "published")
    if source not in ("published", "survey"):
        raise CubespaceError(f"views.stars: expected published or survey, found {source!r}")
    if (source == "survey") != (stars is not None):
        raise CubespaceError("views.stars: the survey's own statistics go with survey, and with nothing else")
    merged = expand(settings, PRESETS, [field.name for field in fields(Pair)], "views")
    for name in ("first", "second"):
        start = {**PRESETS[settings.get("preset", "paper")][name], **(stars or {})}
        merged[name] = _build(View, {**start, **settings.get(name, {})}, f"views.{name}")
        _check(merged[name], f"views.{name}")
    return _build(Pair, merged, "views")


def _build(kind, settings, where):
    refuse_unknown(settings, [field.name for field in fields(kind)], where)
    return kind(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    )


def _check(view, where):
    def demand(good, key, expected):
        if not good:
            raise CubespaceError(f"{where}.{key}: expected {expected}, found {getattr(view, key)!r}")

    def is_range(value, low):
        return isinstance(value, tuple) and len(value) == 2 and low <= value[0] <= value[1]

    demand(
        view.noise is None or (is_range(view.noise, 0) and view.noise[0] > 0),
        "noise",
        "null or [low, high] > 0",
    )
    demand(view.flip in ("none", "one", "random"), "flip", "none, one or random")
    demand(view.blur >= 0, "blur", "a sigma in pixels >= 0")
    demand(
        is_range(view.resize, 1) and all(isinstance(k, int) for k in view.resize),
        "resize",
        "two whole numbers >= 1",
    )
    demand(isinstance(view.shift, int) and view.shift >= 0, "shift", "a whole number of pixels >= 0")
    demand(view.shift_shape in ("disc", "square"), "shift_shape", "disc or square")
    demand(is_range(view.sky_snr, 0) and view.sky_snr[0] > 0, "sky_snr", "[low, high] > 0")
    demand(min(view.star_counts) >= 0 and sum(view.star_counts) > 0, "star_counts", "probabilities")
    for key in ("star_distances", "star_radii"):
        value = getattr(view, key)
        demand(
            len(value) > 1 and value[0] >= 0 and list(value) == sorted(value),
            key,
            "two or more rising quantiles >= 0",
        )


def encoder_settings(settings=None):
    """The full settings of an encoder from those given: ``preset`` (paper, best), then any of its keys over it.

    pooling : list of max, mean (of the convolutional features), attention (of the spaxels themselves)
    mask : bool, the network is told which spaxels are galaxy: sky is zero, and pooling leaves it out
    heads : int, weighted means that attention takes
    light : (low, high), powers of the luminosity by which these heads weight at the start, evenly spaced
    bias : float, spread of the first biases of the representation's layer

    Raises
    ------
    CubespaceError
        A key is unknown or a value is out of its range.
    """
    full = expand(settings, ENCODER_PRESETS, ENCODER_PRESETS["paper"], "encoder")
    full["pooling"] = tuple(full["pooling"])
    if not full["pooling"] or set(full["pooling"]) - set(POOLINGS):
        raise CubespaceError(
            f"encoder.pooling: expected one or more of {', '.join(POOLINGS)}, found {full['pooling']}"
        )
    if "attention" in full["pooling"] and not full["mask"]:
        raise CubespaceError(
            "encoder.mask: attention pools over the spaxels of the galaxy; expected true, found false"
        )
    if not (isinstance(full["heads"], int) and full["heads"] >= 1):
        raise CubespaceError(f"encoder.heads: expected a whole number >= 1, found {full['heads']!r}")
    full["light"] = tuple(full["light"])
    if len(full["light"]) != 2:
        raise CubespaceError(f"encoder.light: expected two numbers [low, high], found {full['light']}")
    if not full["bias"] >= 0:
        raise CubespaceError(f"encoder.bias: expected a number >= 0, found {full['bias']!r}")
    return full


def training_settings(settings):
    """The full settings of a training from those given: ``preset``, then any key of `TRAINING`.

    Raises
    ------
    CubespaceError
        A key is unknown or a value is out of its range.
    """
    full = {**TRAINING, **expand(settings, TRAINING_PRESETS, TRAINING, "training")}
    for key in ("epochs", "steps_per_epoch", "decay_every", "patience", "validation_realisations"):
        if not (isinstance(full[key], int) and full[key] >= 1):
            raise CubespaceError(f"training.{key}: expected a whole number >= 1, found {full[key]!r}")
    if full["batch"] is not None and not (isinstance(full["batch"], int) and full["batch"] >= 2):
        raise CubespaceError(f"training.batch: expected null or a whole number >= 2, found {full['batch']!r}")
    for key in ("learning_rate", "decay", "temperature"):
        if not full[key] > 0:
            raise CubespaceError(f"training.{key}: expected a positive number, found {full[key]!r}")
    if full["compile"] and full["recompute"]:
        raise CubespaceError("training.compile: torch cannot compile recomputed activations; expected one of the two")
    return full
