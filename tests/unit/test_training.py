"""Training: it learns, it is repeatable, it resumes, it stops for the right reasons."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from test_views import PAIR

import fake_maps
from cubespace.errors import CubespaceError
from cubespace.network import training
from cubespace.network.embedding import embed
from cubespace.network.encoder import Encoder, mixed_precision, weights_digest
from cubespace.network.presets import TRAINING, training_settings
from cubespace.network.training import HISTORY, batch_indices, train
from cubespace.network.views import pair_from_settings

QUICK = {
    "epochs": 3,
    "steps_per_epoch": 2,
    "precision": "float32",
    "validation_realisations": 1,
    "require_learning": False,
}


@pytest.fixture(scope="module")
def data():
    maps, space, scaling, _ = fake_maps.prepared(14, (12, 12), 3)
    return maps[np.arange(9)], maps[np.arange(9, 14)], space, scaling


def quick(data, log=lambda line: None, **options):
    settings = {**QUICK, **options.pop("settings", {})}
    return train(*data, PAIR, settings, log=log, **options)


def without_seconds(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def test_training_brings_the_planted_properties_forward():
    """Two properties painted into galaxies: a ridge probe reads them better than from the untrained network.

    Trained on 48 galaxies of random size, orientation and noise; probed on 100 that the network has not seen.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold, cross_val_predict

    maps, space, scaling, latents = fake_maps.prepared(160, (20, 20), 4, seed=1)
    pair = pair_from_settings({"second": {"resize": [1, 2], "shift": 2}})
    settings = {**QUICK, "epochs": 6, "steps_per_epoch": 6, "decay_every": 4, "require_learning": True}
    result = train(
        maps[np.arange(48)], maps[np.arange(48, 60)], space, scaling, pair, settings, log=lambda line: None
    )
    assert result.best_loss < 0.75 * result.chance["validation"]
    new, truth = maps[np.arange(60, 160)], latents[60:]
    scores, moved = {}, {}
    for name, network in (("trained", result.network), ("untrained", Encoder(5).eval())):
        vectors, spread = embed(network, new, space, scaling, pair, realisations=3)
        folds = KFold(8, shuffle=True, random_state=0)
        predicted = [
            cross_val_predict(RidgeCV(np.logspace(-6, 3, 19)), vectors, y, cv=folds) for y in truth.T
        ]
        scores[name] = np.array(
            [1 - np.mean((p - y) ** 2) / np.var(y) for p, y in zip(predicted, truth.T, strict=True)]
        )
        moved[name] = spread.mean() / (1 - (vectors @ vectors.T).mean())
    assert (scores["trained"] > scores["untrained"] + 0.1).all() and scores["trained"].min() > 0.8, scores
    assert (
        moved["trained"] < 0.5 * moved["untrained"]
    )  # less moved by the views, against the distance of galaxies


def test_history_has_the_columns_and_the_schedule(data):
    lines = []
    result = quick(data, lines.append, settings={"decay_every": 2, "patience": 9})
    assert [tuple(row) for row in result.history] == [HISTORY] * 3
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert np.allclose([row["learning_rate"] for row in result.history], [8e-4, 8e-4, 6e-4])
    assert all(math.isfinite(value) for row in result.history for value in row.values())
    assert result.chance == {"train": pytest.approx(math.log(17)), "validation": pytest.approx(math.log(9))}
    assert all(
        "chance 2.8332" in line and "chance 2.1972" in line for line in lines if line.startswith("epoch")
    )
    assert result.best_loss == min(row["validation_loss"] for row in result.history)
    assert result.best_epoch == 1 + int(np.argmin([row["validation_loss"] for row in result.history]))
    assert not result.network.training


def test_the_weights_are_those_of_the_best_epoch(data):
    result = quick(data, settings={"patience": 9})
    s = training_settings({**QUICK, "patience": 9})
    autocast, _ = mixed_precision(torch.device("cpu"), "float32")
    validation = training.validate(result.network, *data[1:], PAIR, s, 0, autocast)
    assert validation["loss"] == pytest.approx(result.best_loss, abs=1e-6)


def test_one_seed_one_result(data):
    a, b, other = quick(data), quick(data), quick(data, seed=1)
    assert weights_digest(a.network) == weights_digest(b.network) != weights_digest(other.network)
    assert without_seconds(a.history) == without_seconds(b.history)


class Killed(Exception):
    """Stands for a kill signal."""


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_killed_and_resumed_is_bit_identical(data, tmp_path, precision):
    options = {"settings": {"epochs": 4, "precision": precision, "patience": 9, "batch": 5}}
    whole = quick(data, **copy.deepcopy(options))

    def kill_in_third_epoch(line):
        if line.startswith("epoch   3"):
            raise Killed

    path, lines = tmp_path / "checkpoint.pt", []
    with pytest.raises(Killed):
        quick(data, kill_in_third_epoch, checkpoint=path, **copy.deepcopy(options))
    resumed = quick(data, lines.append, checkpoint=path, **copy.deepcopy(options))
    assert any("resumed" in line and "epoch 2" in line for line in lines)
    assert weights_digest(resumed.network) == weights_digest(whole.network)
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    # and a finished one comes back at once
    again = quick(data, lines.append, checkpoint=path, **copy.deepcopy(options))
    assert weights_digest(again.network) == weights_digest(whole.network)


def test_a_checkpoint_of_something_else_is_not_used(data, tmp_path):
    path, lines = tmp_path / "checkpoint.pt", []
    quick(data, checkpoint=path, seed=5)
    fresh = quick(data, lines.append, checkpoint=path)
    assert any("anew" in line for line in lines)
    assert weights_digest(fresh.network) == weights_digest(quick(data).network)
    path.write_bytes(b"half a file")
    lines.clear()
    quick(data, lines.append, checkpoint=path)
    assert any("cannot be read" in line for line in lines)


def test_validation_views_are_the_same_in_every_epoch(data, monkeypatch):
    """With a network that does not change, the validation loss does not change."""
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: None)
    monkeypatch.setattr(
        torch.nn.BatchNorm2d, "train", lambda self, mode=True: torch.nn.Module.train(self, False)
    )
    monkeypatch.setattr(
        torch.nn.BatchNorm1d, "train", lambda self, mode=True: torch.nn.Module.train(self, False)
    )
    result = quick(data)
    assert len({row["validation_loss"] for row in result.history}) == 1
    assert len({row["train_loss"] for row in result.history}) == 3  # fresh views


def fake_validation(monkeypatch, losses):
    given = iter(losses)
    monkeypatch.setattr(
        training, "validate", lambda *a: {"loss": next(given), "alignment": 1.0, "uniformity": -1.0}
    )


def test_nan_validation_never_improves(data, monkeypatch):
    fake_validation(monkeypatch, [1.5, 1.4, math.nan, math.nan, math.nan, 1.0])
    result = quick(data, settings={"epochs": 6, "patience": 3})
    assert (result.best_epoch, result.best_loss, len(result.history)) == (2, 1.4, 5)
    fake_validation(monkeypatch, [math.nan] * 3)
    with pytest.raises(CubespaceError, match="never finite"):
        quick(data)


def test_patience_counts_epochs_without_a_better_loss(data, monkeypatch):
    fake_validation(monkeypatch, [1.5, 1.4, 1.4, 1.45, 1.3, 1.3, 1.3, 1.2])
    result = quick(data, settings={"epochs": 8, "patience": 3})
    assert (result.best_epoch, len(result.history)) == (8, 8)
    fake_validation(monkeypatch, [1.5, 1.4, 1.4, 1.45, 1.3])
    result = quick(data, settings={"epochs": 8, "patience": 2})
    assert (result.best_epoch, len(result.history)) == (2, 4) and "2 epochs" in result.stopped


def test_a_training_loss_that_is_not_finite_stops_with_names(data, monkeypatch):
    monkeypatch.setattr(training, "nt_xent", lambda *a, **k: torch.tensor(math.nan))
    with pytest.raises(CubespaceError, match=r"nan in epoch 1, step 0.*FAKE0000"):
        quick(data)


def test_loss_at_chance_is_refused(data, monkeypatch):
    fake_validation(monkeypatch, [2.19, 2.2, 2.19])
    with pytest.raises(CubespaceError, match=r"learned nothing.*2\.1972"):
        quick(data, settings={"require_learning": True})


def test_a_collapsed_network_is_refused(data, monkeypatch):
    constant = lambda self, maps: torch.ones(len(maps), 512) + self.dense.bias  # noqa: E731
    monkeypatch.setattr(training.Encoder, "represent", constant)
    with pytest.raises(CubespaceError, match="collapsed"):
        quick(data)


def test_sets_that_cannot_be_contrasted_are_refused(data):
    train_maps, validation_maps, *rest = data
    with pytest.raises(CubespaceError, match=r"validation set.*found 0"):
        train(train_maps, None, *rest, PAIR, QUICK)
    with pytest.raises(CubespaceError, match=r"training set.*found 1"):
        train(train_maps[np.arange(1)], validation_maps, *rest, PAIR, QUICK)
    twin = train_maps[np.arange(2)]
    twin.groups = torch.tensor([0, 0])
    with pytest.raises(CubespaceError, match=r"validation set.*two pointings"):
        train(train_maps, twin, *rest, PAIR, QUICK)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epoch": 3}, "epoch"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"batch": 1}, "batch"),
        ({"preset": "mine"}, "preset"),
        ({"patience": 2.5}, "patience"),
        ({"compile": True, "recompute": True}, "compile"),
    ],
)
def test_wrong_settings_are_refused_by_name(given, words):
    with pytest.raises(CubespaceError, match=words):
        training_settings(given)


def test_presets():
    assert training_settings({}) == TRAINING
    assert (TRAINING["learning_rate"], TRAINING["decay"], TRAINING["decay_every"], TRAINING["patience"]) == (
        8e-4,
        0.75,
        2,
        5,
    )
    code = training_settings({"preset": "authors-code", "epochs": 7})
    assert (code["patience"], code["decoupled"], code["epochs"]) == (3, True, 7)


@pytest.mark.parametrize(("n", "size"), [(9, 4), (10, 3), (3, 2), (5, 4), (7, 7), (130, 32)])
def test_batches_are_distinct_and_a_pass_has_each_once(n, size):
    parts = max(1, min(-(-n // size), n // 2))
    for start in (0, parts):
        batches = [batch_indices(n, size, 3, start + step) for step in range(parts)]
        assert sorted(np.concatenate(batches).tolist()) == list(range(n))
        assert min(map(len, batches)) >= 2 and max(map(len, batches)) - min(map(len, batches)) <= 1
    assert np.array_equal(batch_indices(n, None, 3, 5), np.arange(n))
    if parts > 1:
        assert not np.array_equal(batch_indices(n, size, 3, 0), batch_indices(n, size, 3, parts))


def test_nine_galaxies_in_batches_of_four_train(data):
    assert len(quick(data, settings={"batch": 4}).history) == 3  # no batch of one, whatever 9 mod 4 is


def test_best_learns_to_recognise_degraded_galaxies():
    """Attention over spectra: recall@1 of galaxies it has not seen rises far above the baselines'."""
    from cubespace.network.invariance import invariance_table

    maps, space, scaling, _ = fake_maps.prepared(90, (20, 20), 4, seed=2)
    pair = pair_from_settings({"second": {"noise": [30, 90], "resize": [1, 2], "shift": 2}})
    settings = {
        **QUICK,
        "epochs": 6,
        "steps_per_epoch": 8,
        "temperature": 0.2,
        "learning_rate": 0.004,
        "require_learning": True,
    }
    best = {"preset": "best"}
    fit = maps[np.arange(60)], maps[np.arange(60, 90)]
    result = train(*fit, space, scaling, pair, settings, log=lambda line: None, encoder=best)
    networks = {
        "network": result.network,
        "untrained": Encoder(5, 0, best, scaling.luminosity).eval(),
    }
    table = invariance_table(networks, [maps], maps.names[60:], space, scaling, pair)
    everything = table[table["view"] == "all"].set_index("method")
    moved, recall = everything["displacement"], everything["recall_1_unseen"]
    assert moved["network"] < 0.7 * moved["untrained"], everything
    assert recall["network"] > 0.8 > 0.7 > max(recall["untrained"], recall["pooled_pca"]), everything
    assert (
        networks["untrained"].attention.attention.sub(result.network.attention.attention).abs().max() > 1e-3
    )


def test_best_is_repeatable_and_recomputing_changes_no_weight(data):
    first, again = (quick(data, encoder={"preset": "best"}) for _ in range(2))
    assert weights_digest(first.network) == weights_digest(again.network)
    plain = quick(data)
    recomputed = quick(data, settings={"recompute": True})
    for a, b in zip(
        plain.network.state_dict().values(), recomputed.network.state_dict().values(), strict=True
    ):
        assert torch.allclose(a.float(), b.float(), atol=1e-3)


@pytest.mark.parametrize("preset", ["paper", "best"])
def test_compiled_training_is_that_of_the_eager_network(data, preset, monkeypatch):
    """By the compiler's tracing, autograd and functional batch norms; its code generator is tests/benchmarks/training.py's."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    settings = {"epochs": 1, "steps_per_epoch": 2}
    results = [quick(data, settings={**settings, "compile": way}, encoder={"preset": preset}) for way in (False, True)]
    eager, compiled = results
    assert compiled.history[0]["train_loss"] == pytest.approx(eager.history[0]["train_loss"], abs=1e-4)
    assert compiled.best_loss == pytest.approx(eager.best_loss, abs=1e-3)
    assert list(compiled.network.state_dict()) == list(eager.network.state_dict())
    for a, b in zip(compiled.network.parameters(), eager.network.parameters(), strict=True):
        assert (a - b).abs().mean() < 1e-4  # single weights may differ by a step of Adam, 8e-4 whatever the gradient's size
