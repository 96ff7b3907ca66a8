"""Attention and transformer layers on ideal devices are torch's; no fast path of torch's leaves the tiles out."""

import pytest
import torch
from torch import nn

import hwsim

IDEAL = hwsim.preset("floating-point")
TOLERANCE = 1e-5


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def causal(n: int) -> torch.Tensor:
    return nn.Transformer.generate_square_subsequent_mask(n)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True, "bias": False},
        {"kdim": 6, "vdim": 10, "batch_first": True},
        {"add_bias_kv": True, "add_zero_attn": True},
    ],
    ids=str,
)
def test_outputs_weights_and_gradients_are_torchs(options, need_weights) -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(8, 2, **options)
    net = hwsim.to_analog(layer, IDEAL)
    shape = (3, 5) if layer.batch_first else (5, 3)
    given = [randn(*shape, size).requires_grad_() for size in (8, layer.kdim, layer.vdim)]
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[1, 3:] = True
    # with further keys, torch's layer takes the word for it and masks these, too, unless it returns weights
    is_causal = need_weights or layer.bias_k is None
    masks = [{}, {"attn_mask": causal(5), "is_causal": is_causal}, {"key_padding_mask": padding}]
    masks.append({"attn_mask": torch.eye(5, dtype=torch.bool), "key_padding_mask": padding})
    masks.append({"attn_mask": randn(6, 5, 5), "average_attn_weights": False})
    for options_of_call in masks:
        wanted, found = (one(*given, need_weights=need_weights, **options_of_call) for one in (layer, net))
        assert torch.allclose(wanted[0], found[0], atol=TOLERANCE)
        assert (found[1] is None) is not need_weights
        if need_weights:
            assert torch.allclose(wanted[1], found[1], atol=TOLERANCE)
    weights = randn(*wanted[0].shape)
    gradients = []
    for one in (layer, net):
        one(*given, need_weights=need_weights)[0].mul(weights).sum().backward()
        gradients.append([part.grad.clone() for part in given])
        for part in given:
            part.grad = None
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=TOLERANCE)
    stacked = layer.in_proj_weight.grad if layer._qkv_same_embed_dim else layer.q_proj_weight.grad
    assert torch.allclose(net.q_proj.weight.grad, stacked[:8], atol=TOLERANCE)
    back = hwsim.to_digital(net)
    assert type(back) is nn.MultiheadAttention
    assert {name: value.shape for name, value in back.state_dict().items()} == {
        name: value.shape for name, value in layer.state_dict().items()
    }
    assert all(torch.equal(value, layer.state_dict()[name]) for name, value in back.state_dict().items())


def test_a_sequence_without_a_batch_is_torchs() -> None:
    layer = nn.MultiheadAttention(8, 2)
    net = hwsim.to_analog(layer, IDEAL)
    wanted, found = (one(*[randn(5, 8)] * 3) for one in (layer, net))
    assert all(torch.allclose(one, other, atol=TOLERANCE) for one, other in zip(wanted, found, strict=True))


def test_dropout_acts_in_training_alone() -> None:
    net = hwsim.to_analog(nn.MultiheadAttention(8, 2, dropout=0.5), IDEAL)
    x = randn(5, 3, 8)
    for need_weights in (True, False):
        quiet = net.eval()(x, x, x, need_weights=need_weights)[0]
        assert not torch.allclose(net.train()(x, x, x, need_weights=need_weights)[0], quiet)
        assert torch.equal(net.eval()(x, x, x, need_weights=need_weights)[0], quiet)


class Encoder(nn.Module):
    """A stack of encoder layers, with a mask of padding."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **options)
        self.stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=options.get("batch_first", False))

    def forward(self, x: torch.Tensor, padding: torch.Tensor | None = None) -> torch.Tensor:
        return self.stack(x, src_key_padding_mask=padding)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")  # torch's own fast path
@pytest.mark.parametrize(
    "options", [{}, {"batch_first": True}, {"batch_first": True, "activation": "gelu"}], ids=str
)
def test_encoders_are_torchs_in_training_and_evaluation(options) -> None:
    torch.manual_seed(0)
    model = Encoder(**options)
    net = hwsim.to_analog(model, IDEAL)
    x = randn(3, 5, 8)
    padding = torch.zeros(x.shape[:2], dtype=torch.bool)
    padding[1, 3:] = True
    padding = padding if model.stack.layers[0].self_attn.batch_first else padding.T
    kept = ~padding if model.stack.layers[0].self_attn.batch_first else ~padding.T
    for training in (True, False):
        model.train(training), net.train(training)
        assert torch.allclose(model(x), net(x), atol=TOLERANCE)
        with torch.no_grad():  # where torch's fast path would run
            assert torch.allclose(model(x, padding)[kept], net(x, padding)[kept], atol=TOLERANCE)
            back = hwsim.to_digital(net)
            assert torch.allclose(back(x, padding)[kept], model(x, padding)[kept], atol=TOLERANCE)


def test_a_decoder_is_torchs() -> None:
    torch.manual_seed(0)
    model = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2).eval()
    net = hwsim.to_analog(model, IDEAL)
    x, memory = randn(3, 5, 8), randn(3, 7, 8, seed=1)
    options = {"tgt_mask": causal(5), "tgt_is_causal": True}
    assert torch.allclose(model(x, memory, **options), net(x, memory, **options), atol=TOLERANCE)
    whole = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    assert torch.allclose(whole(x, x), hwsim.to_analog(whole, IDEAL)(x, x), atol=TOLERANCE)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.stack = nn.TransformerEncoder(layer, 1)
        self.last = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.last(self.stack(self.words(tokens)).mean(1))


def test_everything_that_other_layers_have(tmp_path) -> None:
    torch.manual_seed(0)
    net = hwsim.to_analog(Classifier(), "pcm-rasch2023")
    x = torch.randint(0, 9, (12, 6), generator=torch.Generator().manual_seed(0))
    y = x.sum(1) % 3
    hwsim.calibrate(net, x)
    names = [name for name, _ in hwsim.conversion.analog_layers(net)]
    attention = [f"stack.layers.0.self_attn.{part}_proj" for part in ("q", "k", "v", "out")]
    assert names == [*attention, "stack.layers.0.linear1", "stack.layers.0.linear2", "last"]
    hwa = hwsim.HwaTraining(net, seed=0)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        with hwa.step():
            loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        hwa.after_update()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    chips = hwsim.program(net.eval(), n=2)
    curve = hwsim.evaluate(chips, (x, y), [1, "1 year"], "cross-entropy")
    ideal = float(nn.functional.cross_entropy(hwsim.to_digital(net)(x), y).detach())
    assert len(set(curve.values.flatten())) == 4 and (abs(curve.values - ideal) > 1e-5).all()
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    again = hwsim.load_chips(net, tmp_path / "chips.safetensors")
    assert (hwsim.evaluate(again, (x, y), [1, "1 year"], "cross-entropy").values == curve.values).all()
    assert {cost.layer for cost in hwsim.sensitivity(net, (x, y), chips=2).layers} == set(names)
    found = hwsim.summary(net, x)
    scores = [row for row in found.layers if row.why_digital == "products of activations"]
    assert [(row.name, row.macs) for row in scores] == [("stack.layers.0.self_attn", 2 * 2 * 6 * 6 * 4)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x: net(x[..., :4], x, x), r"`query` must be `\(batch, time, 8\)`.*\(2, 3, 4\)"),
        (lambda net, x: net(x[:, :0], x, x), "at least one step"),
        (lambda net, x: net(x, x, x, is_causal=True), "`attn_mask` must be given"),
        (
            lambda net, x: net(x, x, x, attn_mask=torch.zeros(2, 3)),
            r"`attn_mask` must be \(3, 3\) or \(4, 3, 3\)",
        ),
        (
            lambda net, x: net(x, x, x, key_padding_mask=torch.zeros(3, 3)),
            r"`key_padding_mask` must be \(2, 3\), got \(3, 3\)",
        ),
        (lambda net, x: net(x, x[:1], x[:1]), "one batch size, got 2, 1, 1"),
        (lambda net, x: net(x, x, x[:, :2]), "as many steps as each other, got 3 and 2"),
        (lambda net, x: net(x, x, x, attn_mask=[[0]]), "`attn_mask` must be a tensor"),
        (
            lambda net, x: net(x, x, x, key_padding_mask=torch.zeros(2, 3, dtype=torch.int64)),
            "truth values or floating-point, got torch.int64",
        ),
    ],
)
def test_wrong_inputs_are_told_in_a_line(call, message) -> None:
    net = hwsim.to_analog(nn.MultiheadAttention(8, 2, batch_first=True), IDEAL)
    with pytest.raises((ValueError, TypeError), match=message) as told:
        call(net, randn(2, 3, 8))
    assert "\n" not in str(told.value)
