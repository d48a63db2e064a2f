"""The network of Table A.1: its numbers, its shapes, and its weights on disk."""

import numpy as np
import pytest
import torch

from cubespace.errors import CubespaceError
from cubespace.network import encoder
from cubespace.network.encoder import (
    ATTENTION_GAIN,
    AttentionPooling,
    Encoder,
    choose_device,
    load_weights,
    mixed_precision,
    parameter_counts,
    prepare_device,
    save_weights,
)


def test_parameter_counts_are_those_of_table_a1():
    assert parameter_counts(Encoder(30)) == (1_940_480, 1_937_152, 3_328)


def test_each_layer_has_the_papers_count():
    network = Encoder(30)

    def size(layer):
        return sum(p.numel() for p in layer.parameters()) + sum(b.numel() for b in layer.buffers() if b.ndim)

    layers = [*network.features, network.dense, *network.head]
    counts = [size(layer) for layer in layers if size(layer)]
    assert counts == [
        48064,
        256,
        73856,
        512,
        295168,
        1024,
        1180160,
        2048,
        262656,
        2048,
        65664,
        512,
        8256,
        256,
    ]


def test_maps_shrink_as_in_table_a1():
    network = Encoder(2).eval()
    x, sizes = torch.zeros(1, 2, 192, 184), []
    with torch.inference_mode():
        for layer in network.features:
            x = layer(x)
            if isinstance(layer, torch.nn.MaxPool2d):
                sizes.append(tuple(x.shape[1:]))
    assert sizes == [(64, 96, 92), (128, 48, 46), (256, 24, 23), (512, 12, 12)]


def test_a_block_gives_the_numbers_of_table_a1s_order():
    """ReLU, then max-pool, as the table has it: the same values and gradients, also where all of a pool is negative."""
    network = Encoder(3, seed=2).train()
    convolution, norm = network.features[0], network.features[3]
    x = torch.randn(2, 3, 17, 14, generator=torch.Generator().manual_seed(1)) - 0.3
    found = []
    for block in (
        network.features[:4],
        lambda x: norm(torch.nn.functional.max_pool2d(torch.relu(convolution(x)), 2, ceil_mode=True)),
    ):
        network.zero_grad()
        result = block(x)
        (result * torch.linspace(-1, 1, result.numel()).reshape(result.shape)).sum().backward()
        found.append([result.detach(), *(p.grad.clone() for p in (convolution.weight, convolution.bias, norm.weight, norm.bias))])
    before = convolution(x)
    assert (torch.nn.functional.max_pool2d(before, 2, ceil_mode=True) < 0).any()
    for ours, tables in zip(*found, strict=True):
        assert torch.equal(ours, tables)


def test_represent_is_rectified_and_project_ends_in_a_batch_norm():
    network = Encoder(3)
    h, z = network(torch.randn(8, 3, 20, 21, generator=torch.Generator().manual_seed(0)))
    assert h.shape == (8, 512) and z.shape == (8, 64)
    assert h.min() >= 0 and (h > 0).any()
    assert torch.allclose(z.mean(dim=0), torch.zeros(64), atol=1e-5)  # batch statistics, training mode


def test_global_max_pool_ignores_where_a_galaxy_is():
    network = Encoder(1, seed=1).eval()
    maps = torch.zeros(2, 1, 64, 64)
    blob = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)) + 1
    maps[0, 0, 16:24, 16:24] = blob
    maps[1, 0, 32:40, 16:24] = blob  # moved by 16 pixels: the four poolings see the same cells
    with torch.inference_mode():
        h = network.represent(maps)
    assert torch.allclose(h[0], h[1], atol=1e-6) and h.max() > 0.01


def test_constant_maps_are_safe():
    network = Encoder(4)
    for training in (True, False):
        network.train(training)
        h, z = network(torch.zeros(3, 4, 12, 12))
        (h.sum() + z.square().sum()).backward()
        assert torch.isfinite(h).all() and torch.isfinite(z).all()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_start_depends_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    a = encoder.weights_digest(Encoder(5, seed=3))
    torch.manual_seed(2)
    assert a == encoder.weights_digest(Encoder(5, seed=3)) != encoder.weights_digest(Encoder(5, seed=4))
    torch.manual_seed(1)
    Encoder(5)
    assert torch.equal(torch.random.get_rng_state(), before)  # no global state is moved
    bound = np.sqrt(6 / (5 * 25 + 64 * 25))  # Glorot uniform
    weight = Encoder(5, seed=3).features[0].weight
    assert 0.98 * bound < weight.abs().max() <= bound and Encoder(5).dense.bias.abs().max() == 0


def test_weights_survive_the_disk(tmp_path):
    network = Encoder(6, seed=2)
    network(torch.randn(4, 6, 16, 16))  # moves the running statistics
    path = tmp_path / "deep" / "weights.safetensors"
    save_weights(path, network, {"release_digest": "abc", "variant": "full"})
    save_weights(tmp_path / "again.safetensors", network, {"release_digest": "abc", "variant": "full"})
    loaded, metadata = load_weights(path)
    architecture = '{"bias": 0.0, "heads": 8, "light": [0.0, 2.0], "mask": false, "pooling": ["max"]}'
    assert metadata == {"release_digest": "abc", "variant": "full", "channels": "6", "encoder": architecture}
    assert not loaded.training
    assert encoder.weights_digest(loaded) == encoder.weights_digest(network)
    assert path.read_bytes() == (tmp_path / "again.safetensors").read_bytes()


@pytest.mark.parametrize("expected", [{"release_digest": "abd"}, {"variant": "no_luminosity"}, {"seed": "3"}])
def test_weights_of_another_release_or_variant_are_refused(tmp_path, expected):
    path = tmp_path / "w.safetensors"
    save_weights(path, Encoder(2), {"release_digest": "abc", "variant": "full"})
    load_weights(path, release_digest="abc", variant="full")
    (key, value), = expected.items()
    with pytest.raises(CubespaceError, match=rf"w\.safetensors: network of {key} .*, expected {value}"):
        load_weights(path, **expected)


def test_alien_weights_are_refused(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(CubespaceError, match="no such file"):
        load_weights(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights at all, and long enough to have a header length")
    with pytest.raises(CubespaceError, match="readable"):
        load_weights(tmp_path / "text.safetensors")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors", metadata={"channels": "30"})
    with pytest.raises(CubespaceError, match="not weights of this network"):
        load_weights(tmp_path / "other.safetensors")
    good = tmp_path / "good.safetensors"
    save_weights(good, Encoder(2), {})
    good.write_bytes(good.read_bytes()[:5000])
    with pytest.raises(CubespaceError, match=r"good\.safetensors"):
        load_weights(good)


def test_device_is_chosen_or_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == choose_device("cpu").type == "cpu"
    with pytest.raises(CubespaceError, match="no GPU"):
        choose_device("cuda")
    with pytest.raises(CubespaceError, match="tpu"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda" and choose_device("cpu").type == "cpu"


def test_float32_is_float32_on_any_device():
    saved = [torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision]
    try:
        torch.backends.cuda.matmul.fp32_precision = torch.backends.cudnn.conv.fp32_precision = "tf32"
        prepare_device("cpu")
        assert torch.backends.cuda.matmul.fp32_precision == torch.backends.cudnn.conv.fp32_precision == "ieee"
    finally:
        torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision = saved


def test_precision_is_chosen_or_refused(monkeypatch):
    cpu = torch.device("cpu")
    assert mixed_precision(cpu, "float32")[1] is torch.float32
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert mixed_precision(cpu)[1] is torch.float32
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert mixed_precision(cpu)[1] is torch.bfloat16
    with pytest.raises(CubespaceError, match="float16"):
        mixed_precision(cpu, "float16")
    with pytest.raises(CubespaceError, match="half"):
        mixed_precision(cpu, "half")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert mixed_precision(torch.device("cuda"))[1] is torch.float16


def galaxy_batch(n=5, channels=4, shape=(18, 20), seed=0):
    """Maps whose last channel is the mask; sky is zero, as `network_input` gives it."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, channels + 1, *shape, generator=generator)
    x[:, -1] = (x[:, -1] > -0.3).float()
    x[:, :-1] *= x[:, -1:]
    return x


def test_attention_is_the_weighted_mean_written_out():
    """Against a loop over heads and spaxels."""
    pooling = AttentionPooling(3, 2).eval()
    with torch.no_grad():
        pooling.attention.copy_(torch.tensor([[0.1, 0.0, -0.05], [0.0, 0.2, 0.1]]))
    x = galaxy_batch(2, 3, (5, 6))
    found = pooling(x[:, :3], x[:, 3:]).detach().numpy()
    for galaxy, row in zip(x.numpy().astype(float), found, strict=True):
        spectra = galaxy[:3, galaxy[3] == 1].T
        means, sums = [], []
        for head in pooling.attention.detach().numpy():
            weight = np.exp(ATTENTION_GAIN * spectra @ head)
            means.append((weight[:, None] * spectra).sum(axis=0) / weight.sum())
            sums.append(np.log(weight.sum()))
        norm = np.sqrt(1 + 1e-5)  # batch norm in evaluation mode, never trained
        np.testing.assert_allclose(row * norm, np.concatenate([*means, sums]), rtol=1e-4, atol=1e-5)


def test_a_head_along_luminosity_gives_the_total_luminosity():
    """ln 10 on log10 L: the log-sum is ln of the summed luminosity, and halving the resolution changes it not."""
    pooling = AttentionPooling(2, 1).eval()
    with torch.no_grad():
        pooling.attention.copy_(torch.tensor([[np.log(10) / ATTENTION_GAIN, 0.0]]))
    rng = np.random.default_rng(4)
    luminosity, c = 10 ** rng.normal(0, 0.5, (8, 8)), rng.normal(size=(8, 8))
    blocks = luminosity.reshape(4, 2, 4, 2).sum(axis=(1, 3))
    mixed = (luminosity * c).reshape(4, 2, 4, 2).sum(axis=(1, 3)) / blocks
    results = []
    for light, coefficient in ((luminosity, c), (blocks, mixed)):
        x = torch.tensor(np.stack([np.log10(light), coefficient])[None], dtype=torch.float32)
        results.append(pooling(x, torch.ones_like(x[:, :1])).detach().numpy()[0])
    np.testing.assert_allclose(results[0][2] * np.sqrt(1 + 1e-5), np.log(luminosity.sum()), rtol=1e-5)
    np.testing.assert_allclose(results[0][1:], results[1][1:], rtol=1e-4)  # mean coefficient, total


def test_heads_start_from_powers_of_the_light():
    """exp(score) of head h goes as L^p, p = 0, 1, 2, but for the small random part; without luminosity all are even."""
    sigma = 0.6
    for luminosity, powers in ((sigma, [0, 1, 2]), (None, [0, 0, 0])):
        network = Encoder(3, settings={"preset": "best", "heads": 3}, luminosity=luminosity)
        scores = ATTENTION_GAIN * network.attention.attention.detach().numpy()
        found = scores[:, 0] / (sigma * np.log(10))  # change of ln weight per unit of ln L
        assert np.abs(found - powers).max() < 0.3 and 0 < np.abs(scores[:, 1:]).max() < 0.5


@pytest.mark.parametrize("move", [lambda x: x.flip(2), lambda x: x.transpose(2, 3), lambda x: x.roll((3, -2), (2, 3))])
def test_best_is_blind_to_orientation_and_place(move):
    network = Encoder(4, settings={"preset": "best"}).eval()
    x = galaxy_batch(seed=1)
    with torch.inference_mode():
        assert torch.allclose(network.represent(x), network.represent(move(x)), atol=1e-5)


@pytest.mark.parametrize("pooling", [["attention"], ["max", "mean"], ["max", "attention"]])
def test_sky_is_not_seen_through_the_mask(pooling):
    """What attention, and convolutions far from the edge, are given does not depend on how far the sky reaches."""
    network = Encoder(3, seed=1, settings={"pooling": pooling, "mask": True}).eval()
    x = torch.zeros(2, 4, 32, 32)
    x[:, :, 8:24, 8:24] = galaxy_batch(2, 3, (16, 16))
    wide = torch.zeros(2, 4, 64, 64)
    wide[:, :, 16:48, 16:48] = x
    with torch.inference_mode():
        assert torch.allclose(network.represent(x), network.represent(wide), atol=1e-4)


def test_a_galaxy_that_is_all_covered_is_safe():
    for pooling in (["attention"], ["max", "mean"]):
        network = Encoder(3, settings={"pooling": pooling, "mask": True})
        x = galaxy_batch(4, 3)
        x[0] = 0
        h, z = network(x)
        (h.sum() + z.square().sum()).backward()
        assert torch.isfinite(h).all() and all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_counts_of_best_stay_within_the_budget():
    total, trained, running = parameter_counts(Encoder(30, settings={"preset": "best"}))
    # attention 8 x 30; dense 248 x 512 + 512; head (2 + 128) x 512 + 128, (2 + 64) x 128 + 64, 2 x 64; running 2 x (512 + 128 + 64)
    assert (total, trained, running) == (204_464, 203_056, 1_408)  # far below twice the paper's


def test_a_channel_of_noise_stays_small_in_what_best_pools():
    """Channel 2 differs between galaxies, channel 3 is noise of the same size in each spaxel: its means are next to nothing."""
    rng = torch.Generator().manual_seed(4)
    x = galaxy_batch(40, 4, (30, 30), seed=3)
    x[:, 2] = x[:, -1] * torch.randn(40, 1, 1, generator=rng)
    network, pooled = Encoder(4, seed=1, settings={"preset": "best"}), []
    network.dense.register_forward_hook(lambda layer, given, made: pooled.append(given[0].detach()))
    for training in (True, False):
        network.train(training)
        network(x)
        scatter = pooled[-1][:, : 8 * 4].unflatten(1, (8, 4)).std(dim=0)  # of each head and channel, over galaxies
        assert (scatter[:, 2] > 0.7).all() and (scatter[:, 3] < 0.15).all(), scatter


def test_weights_bring_their_own_settings(tmp_path):
    network = Encoder(4, seed=2, settings={"preset": "best", "heads": 3}).eval()
    save_weights(tmp_path / "w.safetensors", network, {})
    loaded, _ = load_weights(tmp_path / "w.safetensors")
    assert loaded.settings == network.settings and loaded.mask
    x = galaxy_batch()
    with torch.inference_mode():
        assert torch.equal(loaded(x)[1], network(x)[1])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"preset": "better"}, "preset must be one of paper, best"),
        ({"layers": 3}, "unknown setting.*layers"),
        ({"pooling": []}, "pooling"),
        ({"pooling": ["median"]}, "pooling"),
        ({"pooling": ["attention"]}, "mask"),
        ({"preset": "best", "heads": 0}, "heads"),
        ({"bias": -1}, "bias"),
        ({"light": [1]}, "light"),
    ],
)
def test_wrong_settings_are_refused_by_name(given, words):
    with pytest.raises(CubespaceError, match=words):
        Encoder(4, settings=given)


def test_recomputed_activations_change_no_gradient_and_no_running_statistic():
    results = []
    for recompute in (False, True):
        network = Encoder(3, seed=2)
        network.recompute = recompute
        x = torch.randn(6, 3, 33, 30, generator=torch.Generator().manual_seed(0))
        for _ in range(2):
            _, z = network(x)
            z.square().mean().sub(z[:, 0].mean()).backward()
        state = {name: value.clone() for name, value in network.state_dict().items()}
        results.append((state, [parameter.grad for parameter in network.parameters()]))
    (plain, gradients), (again, recomputed) = results
    assert all(torch.allclose(plain[name], again[name], atol=1e-6) for name in plain)
    assert plain["features.3.num_batches_tracked"] == 2
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(gradients, recomputed, strict=True))
    assert max(gradient.abs().max() for gradient in gradients) > 1e-3
