"""Memories of keys on devices, as memory-augmented networks have them."""

from __future__ import annotations

from hwsim.key_memory.codes import Devices, Keys, Sharpening, sharpened
from hwsim.key_memory.memory import KeyMemory

__all__ = ["Devices", "KeyMemory", "Keys", "Sharpening", "sharpened"]
