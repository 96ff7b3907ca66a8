"""`torch.nn.MultiheadAttention` on crossbar tiles: projections analog, scores and softmax digital.

    head_i = softmax(Q_i K_iᵀ / sqrt(d) + mask) V_i,  Q = W_q x_q,  K = W_k x_k,  V = W_v x_v,  y = W_o [head_1 … ]

Queries, keys, values and outputs have an array each, with an input range of its own. What changes with each input,
Q Kᵀ and its product with V, is never programmed.

References:
    Vaswani et al., Attention is all you need, NeurIPS 2017, arXiv 1706.03762.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.modules.composite import AnalogComposite
from hwsim.modules.input_types import require_like
from hwsim.modules.linear import AnalogLinear, array, bias_of, weight_of


@final
class AnalogMultiheadAttention(AnalogComposite):
    """`torch.nn.MultiheadAttention` on crossbar tiles; sizes go by the names they have in torch.

    Attributes:
        q_proj: array of the queries.
        k_proj: array of the keys.
        v_proj: array of the values.
        out_proj: array of the outputs.
        bias_k: `(1, 1, size)`, a further key, digital; None for none.
        bias_v: its value.
    """

    bias_k: nn.Parameter | None
    bias_v: nn.Parameter | None
    in_proj_bias = (
        None  # torch's transformer layers look here, and then call this module in place of its weights
    )
    _qkv_same_embed_dim = False

    def __init__(self, layer: nn.MultiheadAttention, hardware: Hardware) -> None:
        super().__init__()
        require(layer, nn.MultiheadAttention, "`layer` must be a torch.nn.MultiheadAttention")
        require(hardware, Hardware, "`hardware` must be hwsim.Hardware", "hwsim.preset(name) gives one")
        self.embed_dim, self.num_heads, self.head_dim = layer.embed_dim, layer.num_heads, layer.head_dim
        self.kdim, self.vdim, self.dropout = layer.kdim, layer.vdim, layer.dropout
        self.batch_first, self.add_zero_attn = layer.batch_first, layer.add_zero_attn
        is_one = layer._qkv_same_embed_dim
        self._is_one_in_torch = is_one
        weights = (
            layer.in_proj_weight.chunk(3)
            if is_one
            else (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
        )
        biases = (None,) * 3 if layer.in_proj_bias is None else layer.in_proj_bias.chunk(3)
        self.q_proj, self.k_proj, self.v_proj = (
            array(weight, bias, hardware) for weight, bias in zip(weights, biases, strict=True)
        )
        self.out_proj = AnalogLinear(layer.out_proj, hardware)
        for name in ("bias_k", "bias_v"):
            value = getattr(layer, name)
            self.register_parameter(
                name, None if value is None else nn.Parameter(value.detach().clone(), value.requires_grad)
            )

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return outputs, and the weights of attention if asked for, as torch's layer does.

        Raises:
            ValueError: for inputs or masks of the wrong shape, sequences without a step, nested tensors, or
                `is_causal` without a mask.
        """
        is_batch = self._check(query, key, value)
        if is_causal and attn_mask is None:
            raise ValueError("`attn_mask` must be given with `is_causal`, which says that it is causal")
        swaps = is_batch and not self.batch_first
        q, k, v = (
            (part.transpose(0, 1) if swaps else part) if is_batch else part.unsqueeze(0)
            for part in (query, key, value)
        )
        q, k, v = self.q_proj(q), self.k_proj(k), self.v_proj(v)
        batch, n_queries, n_given = q.shape[0], q.shape[1], k.shape[1]
        if self.bias_k is not None and self.bias_v is not None:
            k = torch.cat([k, self.bias_k.expand(batch, 1, -1)], 1)
            v = torch.cat([v, self.bias_v.expand(batch, 1, -1)], 1)
        if self.add_zero_attn:
            k, v = (torch.cat([part, part.new_zeros(batch, 1, part.shape[2])], 1) for part in (k, v))
        mask = self._mask(attn_mask, key_padding_mask, (batch, n_queries, n_given), k.shape[1] - n_given, q)
        q, k, v = (part.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2) for part in (q, k, v))
        drop = self.dropout if self.training else 0.0
        weights: torch.Tensor | None = None
        if (
            need_weights or self.out_proj.execution.many_chips
        ):  # torch.vmap knows no kernel that does all at once
            scores = q @ k.mT / math.sqrt(self.head_dim)
            weights = (scores if mask is None else scores + mask).softmax(-1)
            weights = F.dropout(weights, drop) if drop else weights
            heads = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
            weights = weights if is_batch else weights.squeeze(0)
            weights = weights if need_weights else None
        else:
            heads = F.scaled_dot_product_attention(q, k, v, mask, drop)
        outputs = self.out_proj(heads.transpose(1, 2).flatten(2))
        if not is_batch:
            return outputs.squeeze(0), weights
        return outputs.transpose(0, 1) if swaps else outputs, weights

    def digital(self) -> nn.Module:
        """Return the `torch.nn.MultiheadAttention` with the same parameters."""
        layer = nn.MultiheadAttention(
            self.embed_dim,
            self.num_heads,
            self.dropout,
            self.q_proj.bias is not None,
            self.bias_k is not None,
            self.add_zero_attn,
            self.kdim,
            self.vdim,
            self.batch_first,
        )
        projections = (self.q_proj, self.k_proj, self.v_proj)
        weights = [weight_of(projection) for projection in projections]
        if self._is_one_in_torch:
            layer.in_proj_weight = _one_of(weights)
        else:
            layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight = weights
        biases = [bias for projection in projections if (bias := bias_of(projection)) is not None]
        if biases:
            layer.in_proj_bias = _one_of(biases)
        for name, value in (("bias_k", self.bias_k), ("bias_v", self.bias_v)):
            if value is not None:
                setattr(layer, name, nn.Parameter(value.detach().clone(), value.requires_grad))
        out, plain = self.out_proj, layer.out_proj
        plain.weight, plain.bias = weight_of(out), bias_of(out)  # type: ignore[assignment]  # torch's may be None
        return layer.train(self.training)

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        return f"{self.embed_dim}, num_heads={self.num_heads}, batch_first={self.batch_first}"

    def _check(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> bool:
        """Return whether there is a batch dimension."""
        for name, part, size in (
            ("query", query, self.embed_dim),
            ("key", key, self.kdim),
            ("value", value, self.vdim),
        ):
            require_like(self.out_proj.weight, f"`{name}`", part, f"`{name}` must be a tensor")
            if part.is_nested:
                raise ValueError(
                    f"`{name}` must be a padded tensor, got a nested one: pass `key_padding_mask`"
                )
            if part.ndim not in (2, 3) or part.ndim != query.ndim or part.shape[-1] != size:
                order = "batch, time" if self.batch_first else "time, batch"
                raise ValueError(
                    f"`{name}` must be `({order}, {size})` or `(time, {size})`, got {tuple(part.shape)}"
                )
            if part.numel() == 0:
                raise ValueError(
                    f"sequences must have at least one step, got `{name}` of {tuple(part.shape)}"
                )
        along, across = (1, 0) if self.batch_first else (0, 1)
        steps = 0 if query.ndim == 2 else along
        if key.shape[steps] != value.shape[steps]:
            raise ValueError(
                f"`key` and `value` must have as many steps as each other, got {key.shape[steps]} and "
                f"{value.shape[steps]}"
            )
        if query.ndim == 3 and len({part.shape[across] for part in (query, key, value)}) > 1:
            sizes = ", ".join(str(part.shape[across]) for part in (query, key, value))
            raise ValueError(f"`query`, `key` and `value` must have one batch size, got {sizes}: expand them")
        return query.ndim == 3

    def _mask(
        self,
        attn_mask: torch.Tensor | None,
        key_padding_mask: torch.Tensor | None,
        sizes: tuple[int, int, int],
        n_further: int,
        like: torch.Tensor,
    ) -> torch.Tensor | None:
        """Return what is added to the scores, broadcasting to `(batch, heads, queries, keys)`; None for nothing."""
        batch, n_queries, n_keys = sizes
        found: torch.Tensor | None = None
        for name, mask in (("attn_mask", attn_mask), ("key_padding_mask", key_padding_mask)):
            if mask is None:
                continue
            require(mask, torch.Tensor, f"`{name}` must be a tensor")
            if mask.dtype != torch.bool and not mask.is_floating_point():
                raise TypeError(f"`{name}` must be of truth values or floating-point, got {mask.dtype}")
        if attn_mask is not None:
            whole = (batch * self.num_heads, n_queries, n_keys)
            if tuple(attn_mask.shape) not in ((n_queries, n_keys), whole):
                raise ValueError(
                    f"`attn_mask` must be {(n_queries, n_keys)} or {whole}, got {tuple(attn_mask.shape)}"
                )
            found = _added(attn_mask, like)
            found = found if found.ndim == 2 else found.view(batch, self.num_heads, n_queries, n_keys)
        if key_padding_mask is not None:
            padding = key_padding_mask if key_padding_mask.ndim == 2 else key_padding_mask.unsqueeze(0)
            if tuple(padding.shape) != (batch, n_keys):
                raise ValueError(
                    f"`key_padding_mask` must be {(batch, n_keys)}, got {tuple(key_padding_mask.shape)}"
                )
            added = _added(padding, like)[:, None, None]
            found = added if found is None else found + added
        return found if found is None or n_further == 0 else F.pad(found, (0, n_further))


def _added(mask: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return a mask as what is added to scores: of a mask of truth values, minus infinity where it is true."""
    if mask.dtype != torch.bool:
        return mask.to(like.dtype)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill_(mask, -math.inf)


def _one_of(parts: list[nn.Parameter]) -> nn.Parameter:
    """Return parameters one after the other, trained if one of them is."""
    return nn.Parameter(
        torch.cat([part.detach() for part in parts]), any(part.requires_grad for part in parts)
    )
