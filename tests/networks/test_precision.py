"""What a machine can do, and networks whose encoder computes in bfloat16."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from galaxyclass.networks.precision import compute_in_bfloat16, has_bfloat16  # noqa: E402


@pytest.mark.parametrize(
    ("capabilities", "native"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx2": True, "avx512_f": True}, False),
        ({}, False),
    ],
)
def test_of_a_cpu(monkeypatch: pytest.MonkeyPatch, capabilities: Any, native: Any) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert has_bfloat16("cpu") is native


def test_of_a_torch_that_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_bfloat16("cpu")


def test_a_gpu_that_only_imitates_it_does_not_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    assert not has_bfloat16("cuda")
    assert not has_bfloat16("mps")


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(32, 16),
        )
        self.last = nn.Linear(16, 4)

    @property
    def networks(self) -> Any:
        return (self,)

    def forward(self, images: Any) -> Any:
        return self.last(self.encoder(images))


def test_is_autocast_of_the_encoder_alone() -> None:
    network = _Network().eval()
    images = torch.rand(5, 3, 16, 16)
    with torch.inference_mode():
        exact = network(images)
        with torch.autocast("cpu", torch.bfloat16):
            features = network.encoder(images)
        expected = network.last(features.float())
        compute_in_bfloat16(network)  # type: ignore[arg-type]
        got = network(images)
    assert got.dtype == torch.float32
    assert torch.equal(got, expected)
    assert 0 < (got - exact).abs().max() < 0.02


def test_layers_that_are_more_than_their_kind_are_left_to_autocast() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, images: Any) -> Any:
            assert self.weight.dtype == torch.float32
            return super().forward(images)

    network = _Network().eval()
    network.encoder[0] = Standardised(3, 32, 3)
    compute_in_bfloat16(network)  # type: ignore[arg-type]
    with torch.inference_mode():
        assert torch.isfinite(network(torch.rand(2, 3, 16, 16))).all()
