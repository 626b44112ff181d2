"""The card that a process sees, told by a driver that is made up."""

from __future__ import annotations

import ctypes
import types

from dlbench_sdk import cards

FIRST = bytes(range(16))


def driver(monkeypatch, init=0, version=2, capability=(9, 0)):
    def get(card, number):
        card._obj.value = 100 + number
        return 0 if number < 2 else 101  # CUDA_ERROR_INVALID_DEVICE

    def ask(raw, card):
        raw[:] = FIRST if card.value == 100 else FIRST[::-1]
        return 0

    def attribute(value, which, card):
        value._obj.value = capability[which - 75]
        return 0

    library = types.SimpleNamespace(
        cuInit=lambda _: init,
        cuDeviceGet=get,
        cuDeviceGetUuid=ask,
        cuDeviceGetAttribute=attribute,
    )
    if version == 2:
        library.cuDeviceGetUuid_v2 = ask
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)


def test_the_driver_names_the_card(monkeypatch):
    for version in (1, 2):
        driver(monkeypatch, version=version)
        assert cards.uuid_of("gpu:0") == "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f"
        assert cards.uuid_of("gpu") == cards.uuid_of("gpu:0")
        assert cards.uuid_of("gpu:1") == "GPU-0f0e0d0c-0b0a-0908-0706-050403020100"
    assert cards.uuid_of("gpu:2") == ""
    assert cards.uuid_of("cpu") == ""


def test_a_driver_that_does_not_answer_names_none(monkeypatch):
    driver(monkeypatch, init=999)
    assert cards.uuid_of("gpu:0") == ""

    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert cards.uuid_of("gpu:0") == ""


def test_tf32_came_with_compute_capability_8(monkeypatch):
    for capability, reason in {
        (9, 0): "",
        (8, 0): "",
        (7, 5): "this GPU (sm_75) has none, it came with sm_80",
        (6, 1): "this GPU (sm_61) has none, it came with sm_80",
    }.items():
        driver(monkeypatch, capability=capability)
        assert cards.no_tf32("gpu:0") == reason
    assert cards.no_tf32("cpu") == "this CPU has none"
    driver(monkeypatch, init=999)
    assert cards.no_tf32("gpu:0") == ""  # it is not known
