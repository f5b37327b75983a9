"""Attacks: examples in, the same examples showing the defect out. Labels stay the true ones.

An attack is called as `attack(network, examples)`; it is a class of settings, named in a config by `_target_`.
"""

from bench.attacks.attack import Attack, NoAttack, unit_images
from bench.attacks.corruptions import Brightness, GaussianBlur, GaussianNoise
from bench.attacks.deepfool import DeepFool
from bench.attacks.gradient import FGSM, PGD
from bench.attacks.triggers import Blended, Sinusoid, Square, Trigger

__all__ = [
    "FGSM",
    "PGD",
    "Attack",
    "Blended",
    "Brightness",
    "DeepFool",
    "GaussianBlur",
    "GaussianNoise",
    "NoAttack",
    "Sinusoid",
    "Square",
    "Trigger",
    "unit_images",
]
