# SPDX-License-Identifier: Apache-2.0
"""A decoder of your own in PyTorch, and the one call that shows stinespring where its residual stream is."""

import torch
from torch import nn

import stinespring as ss

WORDS = ("the", "cat", "dog", "sees", "a", "bird", "and", "runs", "sleeps", "now", "here", "end")


class Block(nn.Module):
    """Attention and a perceptron, each added to the stream."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), diagonal=1)
        y = self.norm1(x)
        x = x + self.attention(y, y, y, attn_mask=later, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Net(nn.Module):
    """Token numbers (B, n) to logits (B, n, V)."""

    def __init__(self, words=12, width=16, layers=2, heads=2, longest=32):
        super().__init__()
        self.token, self.place = nn.Embedding(words, width), nn.Embedding(longest, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, ids):
        x = self.token(ids) + self.place(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def net():
    """Return the decoder; in place of the seed load your weights."""
    torch.manual_seed(1)
    module = Net()
    return ss.lens.from_torch(
        module, tokens=WORDS, end=WORDS.index("end"), longest=32, name="net",
        layers=module.blocks, middle="norm2", norm=module.norm, unembedding=module.head,
    )  # fmt: skip
