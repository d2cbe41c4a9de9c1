"""Each kernel against float32 torch, over shapes that models have and shapes that none has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from backends.torch.kernels.linears import VECTOR_TOKENS, FastLinear, Int8Linear
from backends.torch.kernels.load import Kernels
from backends.torch.kernels.ops import FastOps
from backends.torch.kernels.quantize import PortableInt8Ops, quantize
from tests.backends.torch.compiled import kernels_of, off, some

ROUNDING = 0.004  # of bfloat16, once
WIDTHS = st.one_of(st.integers(1, 100), st.sampled_from([576, 1536]))
TOKENS = st.one_of(st.integers(1, 9), st.integers(15, 34), st.sampled_from([48, 65, 200]))
THREADS = st.sampled_from([1, 2])
MANY = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    return kernels_of(tmp_path_factory)


@pytest.fixture(scope="module", params=["tiles", "vectors"])
def either(request: pytest.FixtureRequest, kernels: Kernels) -> Kernels:
    if request.param == "tiles" and not kernels.tiles:
        pytest.skip("the processor has no AMX")
    return Kernels(kernels.library, tiles=request.param == "tiles")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class TestLinear:
    @MANY
    @given(threads=THREADS, tokens=TOKENS, ins=WIDTHS, outs=WIDTHS, biased=st.booleans())
    def test_it_is_the_product(
        self, either: Kernels, *, threads: int, tokens: int, ins: int, outs: int, biased: bool
    ) -> None:
        torch.set_num_threads(threads)
        x, weight = some(1, tokens, ins), some(2, outs, ins)
        bias = some(3, outs) if biased else None
        expected = functional.linear(
            x.float(), weight.float(), bias.float() if bias is not None else None
        )
        assert off(FastLinear(either, weight, bias)(x), expected) < ROUNDING

    @MANY
    @given(threads=THREADS, tokens=TOKENS, ins=WIDTHS, outs=WIDTHS, biased=st.booleans())
    def test_int8_loses_nothing_but_the_weights_low_bits(
        self, either: Kernels, *, threads: int, tokens: int, ins: int, outs: int, biased: bool
    ) -> None:
        torch.set_num_threads(threads)
        x, weight = some(1, tokens, ins), some(2, outs, ins)
        bias = some(3, outs) if biased else None
        quantized = quantize(weight)
        kept = quantized.rows.float() * quantized.scales[:, None]
        expected = functional.linear(x.float(), kept, bias.float() if bias is not None else None)
        assert off(Int8Linear(either, weight, bias)(x), expected) < ROUNDING

    def test_numbers_far_apart_in_a_row_keep_their_size(self, either: Kernels) -> None:
        x = torch.tensor([[1000.0, 0.5, -0.25, 3.0]]).bfloat16()
        product = Int8Linear(either, torch.eye(4).bfloat16(), None)(x)
        torch.testing.assert_close(product.float(), x.float(), atol=1000 / 32767, rtol=0.004)

    def test_a_row_of_zeros_gives_the_bias(self, either: Kernels) -> None:
        bias = some(1, 40)
        for linear in (FastLinear, Int8Linear):
            product = linear(either, some(2, 40, 70), bias)(torch.zeros(2, 70).bfloat16())
            assert torch.equal(product, bias.expand(2, -1))

    @pytest.mark.parametrize("at", [0, 69])
    def test_what_is_no_number_is_not_hidden(self, either: Kernels, at: int) -> None:
        x = some(1, 2, 70)
        x[0, at] = torch.nan
        for linear in (FastLinear, Int8Linear):
            product = linear(either, some(2, 40, 70), None)(x)
            assert product[0].isnan().all()
            assert product[1].isfinite().all()

    def test_it_reads_rows_that_do_not_follow_each_other(self, either: Kernels) -> None:
        x, weight = some(1, VECTOR_TOKENS, 128)[:, :64], some(2, 40, 64)
        assert off(FastLinear(either, weight, None)(x), x.float() @ weight.float().T) < ROUNDING

    def test_of_no_tokens_it_is_empty(self, either: Kernels) -> None:
        for linear in (FastLinear, Int8Linear):
            assert linear(either, some(2, 40, 64), None)(some(1, 0, 64)).shape == (0, 40)


def test_quantised_weights_are_half_a_step_off_at_most() -> None:
    weight = some(1, 50, 300)
    quantized = quantize(weight)
    kept = quantized.rows.float() * quantized.scales[:, None]
    assert ((kept - weight.float()).abs() <= quantized.scales[:, None] * 0.501).all()
    assert quantized.rows.abs().amax(1).eq(127).all()


def test_scales_survive_the_rounding_of_the_portable_product() -> None:
    scales = quantize(some(1, 50, 300)).scales
    assert torch.equal(scales, scales.bfloat16().float())


def test_a_weight_of_zeros_stays_one() -> None:
    assert quantize(torch.zeros(3, 5).bfloat16()).rows.eq(0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("tokens", [0, 1, 5, 40])
@pytest.mark.parametrize("ins", [64, 70])
def test_int8_without_kernels_is_the_same_product(
    dtype: torch.dtype, tokens: int, ins: int
) -> None:
    x, weight, bias = some(1, tokens, ins).to(dtype), some(2, 40, ins), some(3, 40).to(dtype)
    found = PortableInt8Ops().linear(weight.to(dtype), bias)(x)
    assert found.dtype == dtype
    assert off(found, functional.linear(x.float(), weight.float(), bias.float())) < 0.02


@MANY
@given(threads=THREADS, tokens=TOKENS, width=WIDTHS, grows=st.booleans())
def test_the_norm_is_of_the_grown_row(
    kernels: Kernels, threads: int, tokens: int, width: int, grows: bool
) -> None:
    torch.set_num_threads(threads)
    x, delta, weight = some(1, tokens, width), some(2, tokens, width), some(3, width)
    grown = x + delta if grows else x.clone()
    found = FastOps(kernels).add_rms_norm(x, delta if grows else None, weight, 1e-5)
    assert torch.equal(x, grown)
    expected = functional.rms_norm(grown.float(), (width,), weight.float(), 1e-5)
    assert off(found, expected) < ROUNDING


@MANY
@given(threads=THREADS, tokens=TOKENS, width=WIDTHS)
def test_the_gate_opens_as_silu_does(
    kernels: Kernels, threads: int, tokens: int, width: int
) -> None:
    torch.set_num_threads(threads)
    gate_up = some(1, tokens, 2 * width) * 8
    gate, up = gate_up.float().chunk(2, -1)
    found = FastOps(kernels).silu_mul(gate_up)
    torch.testing.assert_close(found.float(), functional.silu(gate) * up, rtol=0.005, atol=1e-5)


def test_a_gate_far_out_neither_overflows_nor_leaks(kernels: Kernels) -> None:
    gate_up = torch.tensor([[300.0, -300.0, 1.0, 1.0]]).bfloat16()
    found = FastOps(kernels).silu_mul(gate_up).float()
    torch.testing.assert_close(found, torch.tensor([[300.0, 0.0]]), rtol=0.005, atol=1e-6)


def test_there_is_one_openmp_runtime_torch_s_own(kernels: Kernels) -> None:
    torch.set_num_threads(2)
    FastOps(kernels).silu_mul(some(1, 64, 64))
    maps = Path("/proc/self/maps").read_text("utf-8").splitlines()
    found = {line.split()[-1] for line in maps if "omp" in Path(line.split()[-1]).name}
    assert [str(Path(path).parent) for path in found] == [str(Path(torch.__file__).parent / "lib")]
