"""`threads`, `uncut` and `trace` hold inside their `with` block alone: in coroutines, generators and threads."""

import asyncio
import threading
from dataclasses import dataclass

import numpy as np
import pytest

import swin_np
from swin_np.layers import RECORDER, Module, recording, redraw
from swin_np.parallel.pool import COUNT, UNCUT, free_threads, threads, uncut
from swin_np.parallel.settings import Setting


def test_coroutines_that_interleave_keep_their_own_threads():
    seen = []

    async def coroutine(count):
        with threads(count):
            for _ in range(3):
                seen.append((count, COUNT.get()))
                await asyncio.sleep(0)

    async def both():
        await asyncio.gather(coroutine(1), coroutine(2))

    asyncio.run(both())
    assert seen == [(1, 1), (2, 2)] * 3
    assert COUNT.get() is None


def test_a_coroutine_that_is_uncut_leaves_the_others_cut():
    seen = {}

    async def whole():
        with uncut():
            await asyncio.sleep(0)
            seen["whole"] = UNCUT.get()
            await asyncio.sleep(0)

    async def other():
        await asyncio.sleep(0)
        seen["other"] = UNCUT.get()

    async def both():
        await asyncio.gather(whole(), other())

    asyncio.run(both())
    assert seen == {"whole": True, "other": False}


def test_coroutines_that_interleave_trace_each_their_own_images(rng):
    model = swin_np.build("swin_t", depths=(1,), num_heads=(1,), embed_dim=8, num_classes=5)
    redraw(model, 1)
    images = rng.standard_normal((2, 1, 3, 28, 28)).astype(np.float32)
    expected = [model(each) for each in images]

    async def coroutine(each):
        with swin_np.trace(model, "output") as recorded:
            await asyncio.sleep(0)
            model(each)
            await asyncio.sleep(0)
        return recorded["output"]

    async def both():
        return await asyncio.gather(*map(coroutine, images))

    for ours, theirs in zip(asyncio.run(both()), expected, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not np.allclose(*expected, rtol=1e-2)


def test_a_task_that_begins_in_the_block_has_its_setting_and_no_longer_than_the_block():
    seen = []

    async def task():
        for _ in range(2):
            seen.append(COUNT.get())
            await asyncio.sleep(0)

    async def main():
        with threads(3):
            begun = asyncio.create_task(task())
            await asyncio.sleep(0)
        await begun

    asyncio.run(main())
    assert seen == [3, None]


def test_a_thread_for_a_coroutine_has_its_settings_and_a_new_thread_has_none():
    seen = []

    async def main():
        with threads(3):
            seen.append(await asyncio.to_thread(COUNT.get))

    asyncio.run(main())
    with threads(3):
        thread = threading.Thread(target=lambda: seen.append(COUNT.get()))
        thread.start()
        thread.join()
    assert seen[0] == 3
    assert seen[1] in (None, 3)                        # 3 where Python lets threads inherit the context


def opened(setting, value):
    with setting.held(value):
        yield


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_the_blocks_of_generators_end_in_any_order(order):
    setting, values = Setting("of this test"), [1, 2, 3]
    generators = [opened(setting, value) for value in values]
    for generator in generators:
        next(generator)
    left = list(values)
    for which in order:
        assert setting.get() == left[-1]
        generators[which].close()
        left.remove(values[which])
    assert setting.get() is None


def test_a_generator_that_another_thread_closes_ends_its_block_everywhere():
    setting = Setting("of this test", "outside")
    generator = opened(setting, "inside")
    next(generator)
    thread = threading.Thread(target=generator.close)
    thread.start()
    thread.join()
    assert setting.get() == "outside"


def test_blocks_that_are_over_are_forgotten():
    setting = Setting("of this test")
    for value in range(100):
        with setting.held(value):
            pass
    assert len(setting.blocks.get()) <= 1


def test_blocks_are_left_after_an_error_and_the_outer_one_holds_again():
    with threads(3):
        with pytest.raises(ZeroDivisionError), threads(2):
            assert COUNT.get() == 2
            raise ZeroDivisionError
        with threads(None):
            assert COUNT.get() is None
        assert COUNT.get() == 3
        with uncut():
            assert free_threads() == 1


@dataclass
class Identity(Module):
    """A module that gives its input."""

    def forward(self, x):
        return x


def test_a_recorder_is_told_inside_its_block_and_the_inner_of_two_alone():
    told = []
    with recording(lambda module, step, value: told.append(("outer", step))):
        Identity()(np.zeros(1))
        with recording(lambda module, step, value: told.append(("inner", step))):
            Identity()(np.zeros(1))
    Identity()(np.zeros(1))
    assert told == [("outer", ""), ("inner", "")]
    assert RECORDER.get() is None
