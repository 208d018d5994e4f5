"""The learned methods, one module per family, without torch."""

from core.learning.methods.blind_spot import BlindSpot, Noise2Void, Noise2Void2, StructNoise2Void
from core.learning.methods.care import Care
from core.learning.methods.deconoising import DecoNoising, Noise2VoidConvolved
from core.learning.methods.divnoising import DivNoising
from core.learning.methods.noise2noise import Noise2Noise
from core.learning.methods.pn2v import ProbabilisticNoise2Void
from core.learning.methods.quietfield import Quietfield

__all__ = [
    "BlindSpot",
    "Care",
    "DecoNoising",
    "DivNoising",
    "Noise2Noise",
    "Noise2Void",
    "Noise2Void2",
    "Noise2VoidConvolved",
    "ProbabilisticNoise2Void",
    "Quietfield",
    "StructNoise2Void",
]
