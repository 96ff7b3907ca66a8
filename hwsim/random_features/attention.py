"""Attention by random features (FAVOR+), of linear cost in the length of a sequence, its projection on the crossbar.

    A ≈ D⁻¹ Q' K'ᵀ,  y = D⁻¹ (Q' (K'ᵀ V)),  D = diag(Q' K'ᵀ 1)
    softmax  q' = exp(-‖x‖² / 2) [exp(+Ω x), exp(-Ω x)],  x = q d^(-1/4), and k' likewise
    relu     q' = relu(Ω x)

Ω is one array for queries, keys and all heads, and is not trained; queries, keys, values and outputs have arrays of
their own. All of them are `torch.nn.Linear`, which `hwsim.to_analog` puts on tiles; functions and sums are digital.
Factors that cancel between numerator and denominator keep exponentials in range. In causal attention, the factor of a
step depends on the keys up to that step alone.

References:
    Choromanski et al., Rethinking attention with Performers, ICLR 2021, arXiv 2009.14794.
    Büchel et al., Kernel approximation using analog in-memory computing, arXiv 2411.03375.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, final

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import one_of, require, whole
from hwsim.modules.input_types import require_like
from hwsim.random_features.projections import SAMPLERS, Sampler

AttentionKernel: TypeAlias = Literal["softmax", "relu"]
KERNELS: Final[tuple[AttentionKernel, ...]] = ("softmax", "relu")

CHUNK: Final = 64
"""Steps of causal attention that are computed at once, in a triangle; sums run from one chunk to the next."""
SMALLEST: Final = 1e-30
"""Denominators are raised to this."""


def kernel_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    project: Callable[[torch.Tensor], torch.Tensor],
    *,
    kernel: AttentionKernel = "softmax",
    is_causal: bool = False,
    key_padding_mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return attention by random features, `(batch, queries, heads, values)`.

    Args:
        q: queries, `(batch, queries, heads, d)`.
        k: keys, `(batch, keys, heads, d)`.
        v: values, `(batch, keys, heads, values)`.
        project: `(batch, steps, heads, d)` → products with the rows of Ω, `(batch, steps, heads, s)`.
        kernel: `softmax` or `relu`.
        is_causal: whether a step attends to itself and those before alone; queries and keys are as many.
        key_padding_mask: `(batch, keys)` bool, true for keys that do not count; None for none.

    With the identity as values, of `(keys, keys)`, outputs are the matrix of attention itself.
    """
    scale = q.shape[-1] ** -0.25
    queries = _exponents(q * scale, project, kernel)
    keys = _exponents(k * scale, project, kernel)
    if kernel == "softmax":
        queries = (queries - queries.detach().amax(-1, keepdim=True)).exp()
        seen = keys if key_padding_mask is None else keys.masked_fill(_as_keys(key_padding_mask), -torch.inf)
        largest = seen.detach().amax(3).clamp(min=torch.finfo(seen.dtype).min)
        largest = largest.cummax(1).values if is_causal else largest.amax(1, keepdim=True)
        keys = (keys - largest.unsqueeze(-1)).clamp(max=0.0).exp()
    else:
        largest = keys.new_zeros(keys.shape[:3])
    if key_padding_mask is not None:
        keys = keys.masked_fill(_as_keys(key_padding_mask), 0.0)
    queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, v))
    if not is_causal:
        return _whole(queries, keys, values).transpose(1, 2)
    return _causal(queries, keys, values, largest.transpose(1, 2)).transpose(1, 2)


def _exponents(
    x: torch.Tensor, project: Callable[[torch.Tensor], torch.Tensor], kernel: AttentionKernel
) -> torch.Tensor:
    products = project(x)
    if kernel == "relu":
        return F.relu(products)
    return torch.cat([products, -products], -1) - x.square().sum(-1, keepdim=True) / 2


def _as_keys(key_padding_mask: torch.Tensor) -> torch.Tensor:
    return key_padding_mask[:, :, None, None]


def _whole(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    sums = k.sum(-2).unsqueeze(-1)
    return q @ (k.mT @ v) / (q @ sums).clamp(min=SMALLEST)


def _causal(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
    """Return causal attention: triangles of chunks, and sums of those before.

    Args:
        q: features of queries, `(batch, heads, steps, features)`.
        k: of keys, those of step s divided by exp(largest of s).
        v: values, `(batch, heads, steps, values)`.
        largest: `(batch, heads, steps)`, the largest exponent up to each step, so that no step depends on later ones.
    """
    past, sums, found = k[..., :0, :].mT @ v[..., :0, :], k[..., :0, :].sum(-2).unsqueeze(-1), []
    before = torch.full_like(largest[..., :1], torch.finfo(largest.dtype).min)
    for q_part, k_part, v_part, upto in zip(
        *(torch.split(x, CHUNK, -2) for x in (q, k, v)), torch.split(largest, CHUNK, -1), strict=True
    ):
        ratios = (upto.unsqueeze(-2) - upto.unsqueeze(-1)).tril().exp()
        scores = (q_part @ k_part.mT * ratios).tril()
        of_past = (before - upto).exp().unsqueeze(-1)
        above = scores @ v_part + of_past * (q_part @ past)
        below = scores.sum(-1, keepdim=True) + of_past * (q_part @ sums)
        found.append(above / below.clamp(min=SMALLEST))
        before = upto[..., -1:]
        k_part = k_part * (upto - before).exp().unsqueeze(-1)
        past = of_past[..., -1:, :] * past + k_part.mT @ v_part
        sums = of_past[..., -1:, :] * sums + k_part.sum(-2).unsqueeze(-1)
    return torch.cat(found, -2)


@final
class KernelAttention(nn.Module):
    """Attention by random features, `(batch, steps, embed_dim)` in and out.

    Args:
        embed_dim: width of the sequences.
        num_heads: heads, a divisor of it.
        n_components: rows of the projection Ω, which all heads share; `softmax` has two features of each.
        kernel: `softmax` or `relu`.
        sampler: how rows of Ω are drawn: `rff`, `orf` or `sorf`.
        is_causal: whether a step attends to itself and those before alone.
        bias: whether the other projections have one.
        seed: of Ω.

    Attributes:
        q_proj: `torch.nn.Linear` of the queries.
        k_proj: of the keys.
        v_proj: of the values.
        out_proj: of the outputs.
        random_projection: Ω, `torch.nn.Linear` without bias, which is not trained.

    Raises:
        ValueError: for sizes below 1, heads that do not divide the width, an unknown kernel or sampler.
        TypeError: for an argument of another type.

    Example:
        >>> layer = KernelAttention(32, 2, n_components=64)
        >>> layer(torch.ones(4, 10, 32)).shape
        torch.Size([4, 10, 32])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        n_components: int = 128,
        *,
        kernel: AttentionKernel = "softmax",
        sampler: Sampler = "sorf",
        is_causal: bool = False,
        bias: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.embed_dim = whole("embed_dim", embed_dim, least=1)
        self.num_heads = whole("num_heads", num_heads, least=1)
        n_components = whole("n_components", n_components, least=1)
        if self.embed_dim % self.num_heads:
            raise ValueError(f"`num_heads` must divide `embed_dim`, got {num_heads} and {embed_dim}")
        self.kernel: AttentionKernel = one_of("kernel", kernel, KERNELS)
        self.sampler: Sampler = one_of("sampler", sampler, SAMPLERS)
        require(is_causal, bool, "`is_causal` must be True or False")
        self.is_causal = is_causal
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(self.embed_dim, self.embed_dim, bias) for _ in range(4)
        )
        self.random_projection = nn.Linear(self.embed_dim // self.num_heads, n_components, bias=False)
        self.random_projection.weight.requires_grad_(False)
        self.redraw(seed)

    @torch.no_grad()
    def redraw(self, seed: int) -> None:
        """Draw Ω again, as Performers do while they train; chips that were programmed keep theirs."""
        rng = np.random.RandomState(whole("seed", seed, least=0, most=2**32 - 1))
        weight = self.random_projection.weight
        rows = SAMPLERS[self.sampler](weight.shape[0], weight.shape[1], rng)
        weight.copy_(torch.from_numpy(rows))

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor | None = None,
        value: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return outputs, `(batch, queries, embed_dim)`.

        Args:
            query: `(batch, queries, embed_dim)`.
            key: `(batch, keys, embed_dim)`; None for `query`.
            value: the same shape; None for `key`.
            key_padding_mask: `(batch, keys)` bool, true for keys that do not count; None for none.

        Raises:
            ValueError: for inputs of the wrong shape, sequences without a step, or causal attention to keys that are
                not as many as the queries.
        """
        key = query if key is None else key
        value = key if value is None else value
        self._check(query, key, value, key_padding_mask)
        heads = (self.num_heads, self.embed_dim // self.num_heads)
        q, k, v = (
            project(part).unflatten(-1, heads)
            for project, part in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        found = kernel_attention(
            q,
            k,
            v,
            self.random_projection,
            kernel=self.kernel,
            is_causal=self.is_causal,
            key_padding_mask=key_padding_mask,
        )
        outputs: torch.Tensor = self.out_proj(found.flatten(2))
        return outputs

    def extra_repr(self) -> str:
        """Return what a line of `print` says."""
        return (
            f"{self.embed_dim}, num_heads={self.num_heads}, kernel={self.kernel}, is_causal={self.is_causal}"
        )

    def _check(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
    ) -> None:
        for name, part in (("query", query), ("key", key), ("value", value)):
            require_like(self.random_projection.weight, f"`{name}`", part, f"`{name}` must be a tensor")
            if part.ndim != 3 or part.shape[-1] != self.embed_dim:
                raise ValueError(
                    f"`{name}` must be `(batch, time, {self.embed_dim})`, got {tuple(part.shape)}"
                )
            if part.numel() == 0:
                raise ValueError(
                    f"sequences must have at least one step, got `{name}` of {tuple(part.shape)}"
                )
        if key.shape != value.shape or len(query) != len(key):
            raise ValueError(
                f"`key` and `value` must have one shape and the batch of `query`, got {tuple(key.shape)}, "
                f"{tuple(value.shape)} and {tuple(query.shape)}"
            )
        if self.is_causal and query.shape[1] != key.shape[1]:
            raise ValueError(
                f"queries and keys must be as many with `is_causal`, got {query.shape[1]} and {key.shape[1]}"
            )
        if mask is not None:
            require(mask, torch.Tensor, "`key_padding_mask` must be a tensor")
            if mask.dtype != torch.bool or mask.shape != key.shape[:2]:
                raise ValueError(
                    f"`key_padding_mask` must be bool {tuple(key.shape[:2])}, got {mask.dtype} {tuple(mask.shape)}"
                )
