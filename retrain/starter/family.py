"""The rungs of the starter family: four Qwen2 shapes that share one vocabulary."""

from dataclasses import dataclass

from transformers import Qwen2Config

from retrain.starter.vocabulary import MAX_POSITIONS, SPECIALS, VOCABULARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A rung: widths are multiples of 32 for Q8_0; ``rate`` is the matrices' peak learning rate.

    ``tokens`` (language modelling), ``public``, ``soft`` (bursts that the teacher labelled), ``gold`` (items) and
    ``mixed`` and ``even`` (bursts of the closing lessons) are what it reads at the full budget; bigger rungs read more.
    """

    name: str
    width: int
    layers: int
    inner: int
    rate: float
    tokens: int
    public: int
    gold: int = 6000
    """0 where the views are enough: after them, gold made the largest rung no better at what it had not seen."""
    soft: int = 48_000
    passes: int = 1
    """Times that the teacher's views are read; only the largest rung was given a second pass, to stay within hours."""
    mixed: int = 20_000
    """Bursts of the mixed lesson that no pass has read, and as many that one may have; all else is in it too."""
    even: int = 0
    """Bursts of the even lesson, or 0 for none: rare answers once more."""
    whole: float = 1.0
    """Share of the bursts in the last lesson, which has all once more: practice helps every rung, small ones most."""
    rank: int = 64
    """Of the shipped adapter; 88 is what 24 MB of weights leave room for in the largest rung."""
    head: int = 64
    """Width of an attention head; on a CPU one wide head is faster than two narrow ones, but one is too few."""

    def config(self) -> Qwen2Config:
        """Make the Qwen2 configuration: tied embeddings, one key-value head."""
        return Qwen2Config(
            vocab_size=VOCABULARY,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.width // self.head,
            num_key_value_heads=1,
            max_position_embeddings=MAX_POSITIONS,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=VOCABULARY - 1,
            pad_token_id=VOCABULARY - len(SPECIALS),
            use_cache=True,
        )


FAMILY = (
    Shape(
        name="xs",
        width=64,
        layers=2,
        inner=192,
        rate=1e-2,
        tokens=800_000,
        public=7_000,
        soft=18_000,
        gold=4_000,
        mixed=5_000,
        head=32,
    ),
    Shape(
        name="s",
        width=128,
        layers=3,
        inner=320,
        rate=8e-3,
        tokens=1_500_000,
        public=7_000,
        soft=26_000,
        gold=4_500,
        mixed=8_000,
    ),
    Shape(
        name="m",
        width=192,
        layers=3,
        inner=512,
        rate=7e-3,
        tokens=2_100_000,
        public=7_000,
        soft=34_000,
        gold=5_000,
        mixed=12_000,
        whole=0.6,
    ),
    Shape(
        name="l",
        width=192,
        layers=5,
        inner=544,
        rate=6e-3,
        tokens=2_800_000,
        public=7_000,
        gold=0,
        passes=2,
        even=8_000,
        rank=88,
    ),
)
FULL_BUDGET_S = 21_000.0
"""The recipe's whole computing time, in seconds of one core without BF16; counts above shrink with a smaller one.

Added up from its parts (recipe.json): they were never run in one go.
"""
