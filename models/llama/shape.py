"""Shapes of well-known small models: enough to measure speed and memory with random weights, without a hub."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A model's sizes, as its config.json on the hub states them; the output layer is the embedding."""

    family: str
    """``qwen2`` (biases on query, key, value) or ``qwen3`` (norms on query and key)."""
    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int
    """Width of a head."""
    inner: int
    vocabulary: int = 151_936

    @property
    def parameters(self) -> int:
        """Weights in matrices (norms and biases are too few to count)."""
        attention = self.width * self.head * (2 * self.heads + 2 * self.kv_heads)
        return self.vocabulary * self.width + self.layers * (attention + 3 * self.width * self.inner)

    def config(self) -> dict[str, object]:
        """The shape in the words of a transformers config.json."""
        return {
            "model_type": self.family,
            "num_hidden_layers": self.layers,
            "hidden_size": self.width,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head,
            "intermediate_size": self.inner,
            "vocab_size": self.vocabulary,
            "max_position_embeddings": 32_768,
            "rms_norm_eps": 1e-6,
            "rope_theta": 1e6,
            "tie_word_embeddings": True,
        }


SHAPES: dict[str, Shape] = {
    "tiny": Shape(family="qwen2", layers=2, width=256, heads=4, kv_heads=2, head=64, inner=512, vocabulary=4_200),
    "qwen1.5-0.5b": Shape(family="qwen2", layers=24, width=1024, heads=16, kv_heads=16, head=64, inner=2816),
    "qwen2.5-0.5b": Shape(family="qwen2", layers=24, width=896, heads=14, kv_heads=2, head=64, inner=4864),
    "qwen2.5-1.5b": Shape(family="qwen2", layers=28, width=1536, heads=12, kv_heads=2, head=128, inner=8960),
    "qwen2.5-3b": Shape(family="qwen2", layers=36, width=2048, heads=16, kv_heads=2, head=128, inner=11_008),
    "qwen3-0.6b": Shape(family="qwen3", layers=28, width=1024, heads=16, kv_heads=8, head=128, inner=3072),
    "qwen3-1.7b": Shape(family="qwen3", layers=28, width=2048, heads=16, kv_heads=8, head=128, inner=6144),
}
"""``tiny`` is nobody's: with it a measurement can be tried in seconds."""
