import os
import time

import pytest
import torch

from core import memory
from core.errors import QuietfieldError
from core.learning import device


def test_the_processor_is_always_there_and_last():
    found = device.devices()
    assert found[-1].name == "cpu"
    assert all(d.label for d in found)
    assert str(device.choose("auto")) == found[0].name


def test_devices_that_are_not_there_are_refused():
    with pytest.raises(QuietfieldError, match="no device called 'tpu'"):
        device.choose("tpu")


@pytest.mark.skipif(device.has_bfloat16(), reason="this processor computes in bfloat16")
def test_half_precision_is_measured_only_where_the_processor_has_it():
    def network(image):
        raise AssertionError("tried without need")

    assert device.half_precision(torch.device("cpu"), network, (1, 32, 32)) is False


def test_half_precision_is_refused_when_slow_or_wrong():
    def half():
        return torch.is_autocast_enabled("cpu")

    def slow(image):
        time.sleep(0.02 if half() else 0.001)
        return image

    def fast(image):
        time.sleep(0.001 if half() else 0.02)
        return image

    def wrong(image):
        return fast(image) * (2 if half() else 1)

    assert not device.half_is_better(slow, (1, 32, 32), seconds=0.2)
    assert device.half_is_better(fast, (1, 32, 32), seconds=0.2)
    assert not device.half_is_better(wrong, (1, 32, 32), seconds=0.2)


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (8, 7)])
def test_a_core_is_left_to_the_window(cores, threads):
    assert device.beside_window(cores) == threads


def test_layout_is_never_channels_last_on_apple_graphics():
    assert device.layout(torch.device("mps")) is torch.contiguous_format
    assert device.layout(torch.device("cuda")) is torch.channels_last


def test_out_of_memory_is_told_from_other_errors():
    assert memory.ran_out(RuntimeError("MPS backend out of memory (allocated 9 GB)"))
    assert memory.ran_out(torch.OutOfMemoryError("CUDA"))
    assert not memory.ran_out(RuntimeError("shapes do not fit"))


def test_more_threads_than_cores_are_never_started():
    assert 1 <= device.thread_count(9999) <= os.cpu_count()
    assert device.thread_count(1) == device.thread_count(0) == 1
